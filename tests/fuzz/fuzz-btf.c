/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/*
 * One input as the types and strings of a kernel, below a header that is made for them, and as a whole file. What is
 * found must lie in it, and be there without an error only.
 */
#include "harness.h"
#include "tools/btf.h"

#include <linux/btf.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void find(const void *bytes, size_t size)
{
	struct btf_field fields[] = { { "s", "a", 0 }, { "s", "b", 0 }, { "t", NULL, 0 } };
	struct btf_function functions[] = { { "f", 0 } };
	int r = btf_find(bytes, size, fields, ELEMENTS(fields), functions, ELEMENTS(functions));

	if (r != 0 && r != -ENOENT && r != -ENOTUNIQ && r != -EBADMSG)
		abort();
	for (size_t i = 0; r == 0 && i < ELEMENTS(fields); i++)
		if (fields[i].bytes == UINT32_MAX)
			abort();
	/* a type takes 12 bytes at least */
	if (r == 0 && (functions[0].id == 0 || functions[0].id > size / sizeof(struct btf_type)))
		abort();
}

/* The first byte says how much of the rest, in steps of 12, are types. Behind it come the names that are looked for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char names[] = "\0s\0t\0a\0b\0f";
	const size_t types = size > 0 && data[0] * (size_t)12 < size ? data[0] * (size_t)12 : 0;
	struct btf_header header = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(header) };
	_cleanup_free_ uint8_t *file = malloc(sizeof(header) + types + sizeof(names));

	find(data, size);
	if (!file)
		return 0;
	header.type_len = (uint32_t)types;
	header.str_off = (uint32_t)types;
	header.str_len = sizeof(names);
	memcpy(file, &header, sizeof(header));
	if (types > 0)
		memcpy(file + sizeof(header), data + 1, types);
	memcpy(file + sizeof(header) + types, names, sizeof(names));
	find(file, sizeof(header) + types + sizeof(names));
	return 0;
}
