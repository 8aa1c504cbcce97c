/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Ends the case. Also for use in children of a case: see in_child(). */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition, 0, 0))
#define CHECK_INT(found, expected)                                                                              \
	do {                                                                                                    \
		long long check_found = (long long)(found), check_expected = (long long)(expected);             \
		if (check_found != check_expected)                                                              \
			check_failed(__FILE__, __LINE__, #found " == " #expected, check_found, check_expected); \
	} while (0)
_Noreturn void check_failed(const char *file, int line, const char *what, long long found, long long expected);
