/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Where members are in the kernel's structures, by the types that it describes itself: /sys/kernel/btf/vmlinux, in the
 * format of Documentation/bpf/btf.rst. One pass over all types, since libbpf's index of them takes ten times as long.
 */

#include "common/cleanup.h"

#include <stddef.h>
#include <stdint.h>

/* A member of a structure, also one of a structure or union without a name in it; no bit field. */
struct btf_field {
	const char *type, *member; /* member NULL: the size of the type is asked for */
	uint32_t bytes;            /* from the start of the type. Filled. */
};

struct btf_function {
	const char *name;
	uint32_t id; /* filled: what bpf(2) calls attach_btf_id */
};

/*
 * Fills all fields and functions. 0; -ENOENT: one is not described; -ENOTUNIQ: by two types of one name, differently;
 * -EBADMSG: the bytes are not BTF of this machine's byte order, or are damaged.
 */
int btf_find(const void *bytes, size_t size, struct btf_field *fields, size_t field_count,
	     struct btf_function *functions, size_t function_count) _must_check_;
