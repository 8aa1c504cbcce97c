/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the tests of config/ share: cmocka, and a file of text as a candidate. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/decide.h"

#define TEST_FILE "group/students.conf"

/* First diagnostic of `text` as policy_lint() gives it, formatted; NULL when there is none. Free it. */
char *lint(const char *text);

/* The policy of `text` as TEST_FILE; the test fails when there is none. */
struct policy *policy_of(const char *text);

/* A candidate that holds `text` in memory; a NULL text makes one with a problem. */
struct candidate candidate_of(enum candidate_kind kind, const char *name, const char *text);

/* As if the file had been written long ago: a fresh one is waited for. */
void make_old(int fd);

/* Asserts that linting `text` says `expected` first; NULL: says nothing. */
void assert_lint(const char *text, const char *expected);
