/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/btf.h"

#include <errno.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <string.h>

#define NOT_FOUND   UINT32_MAX
#define DEPTH_MAX   4  /* of structures without a name in each other */
#define UNNAMED_MAX 64 /* of which each has all types read again up to its own */

/* What a header of an older system may lack. */
enum { KIND_FLOAT = 16, KIND_DECL_TAG = 17, KIND_TYPE_TAG = 18, KIND_ENUM64 = 19 };

struct btf {
	const unsigned char *types;
	size_t types_size;
	const char *strings; /* the last byte is '\0' */
	size_t strings_size;
	unsigned unnamed;
};

struct type {
	struct btf_type head;
	uint32_t id;
	size_t at;     /* of what follows the head */
	size_t behind; /* where the next begins */
};

/* Bytes behind the head of a type. Negative: a kind that this does not know. */
static ptrdiff_t size_behind(uint32_t info)
{
	const ptrdiff_t count = BTF_INFO_VLEN(info);

	switch ((info >> 24) & 0x1f) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case KIND_FLOAT:
	case KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case KIND_DECL_TAG:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * (ptrdiff_t)sizeof(struct btf_member);
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return count * (ptrdiff_t)(2 * sizeof(uint32_t));
	case BTF_KIND_DATASEC:
	case KIND_ENUM64:
		return count * (ptrdiff_t)(3 * sizeof(uint32_t));
	default:
		return -1;
	}
}

/* The type behind this one; ids are counted from 1. 0: there is none. */
static int next_type(const struct btf *btf, struct type *type)
{
	const size_t at = type->behind;
	ptrdiff_t size;

	if (at == btf->types_size)
		return 0;
	if (btf->types_size - at < sizeof(type->head))
		return -EBADMSG;
	memcpy(&type->head, btf->types + at, sizeof(type->head));
	size = size_behind(type->head.info);
	type->id++;
	type->at = at + sizeof(type->head);
	if (size < 0 || btf->types_size - type->at < (size_t)size)
		return -EBADMSG;
	type->behind = type->at + (size_t)size;
	return 1;
}

/* Most differ in the first letter. */
static bool is_called(const struct btf *btf, uint32_t offset, const char *name)
{
	const char *text = offset < btf->strings_size ? btf->strings + offset : "";

	return text[0] == name[0] && strcmp(text, name) == 0;
}

static bool is_composite(const struct type *type)
{
	const uint32_t kind = (type->head.info >> 24) & 0x1f;

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

/* *ret in bits, or NOT_FOUND. */
static int find_member(struct btf *btf, const struct type *type, const char *name, unsigned depth, uint32_t *ret);

/* One that is of a type without a name, or has none: its members are the outer's. */
static int find_within(struct btf *btf, uint32_t id, const char *name, unsigned depth, uint32_t *ret)
{
	struct type type = { .id = 0 };
	int r;

	if (depth == DEPTH_MAX || btf->unnamed++ == UNNAMED_MAX)
		return 0;
	do
		r = next_type(btf, &type);
	while (r > 0 && type.id < id);
	if (r <= 0)
		return -EBADMSG;
	return is_composite(&type) ? find_member(btf, &type, name, depth + 1, ret) : 0;
}

static int find_member(struct btf *btf, const struct type *type, const char *name, unsigned depth, uint32_t *ret)
{
	const bool has_bit_fields = type->head.info >> 31;
	struct btf_member member;
	int r = 0;

	for (size_t at = type->at; at < type->behind; at += sizeof(member)) {
		memcpy(&member, btf->types + at, sizeof(member));
		if (is_called(btf, member.name_off, name)) {
			if (!has_bit_fields || BTF_MEMBER_BITFIELD_SIZE(member.offset) == 0)
				*ret = has_bit_fields ? BTF_MEMBER_BIT_OFFSET(member.offset) : member.offset;
			return 0;
		}
	}
	for (size_t at = type->at; r == 0 && *ret == NOT_FOUND && at < type->behind; at += sizeof(member)) {
		memcpy(&member, btf->types + at, sizeof(member));
		if (member.name_off != 0)
			continue;
		r = find_within(btf, member.type, name, depth, ret);
		if (r == 0 && *ret != NOT_FOUND)
			*ret += has_bit_fields ? BTF_MEMBER_BIT_OFFSET(member.offset) : member.offset;
	}
	return r;
}

static int fill_field(struct btf *btf, const struct type *type, struct btf_field *field)
{
	uint32_t bits = NOT_FOUND, bytes = type->head.size;
	int r = 0;

	if (field->member) {
		r = find_member(btf, type, field->member, 0, &bits);
		/* others may have one of that name, too, in a file of their own */
		if (r < 0 || bits == NOT_FOUND || bits % 8 != 0)
			return r;
		bytes = bits / 8;
	}
	if (field->bytes != NOT_FOUND && field->bytes != bytes)
		return -ENOTUNIQ;
	field->bytes = bytes;
	return 0;
}

static int fill_fields(struct btf *btf, const struct type *type, struct btf_field *fields, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		if (is_called(btf, type->head.name_off, fields[i].type))
			r = fill_field(btf, type, &fields[i]);
	return r;
}

static int fill_functions(const struct btf *btf, const struct type *type, struct btf_function *functions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_called(btf, type->head.name_off, functions[i].name))
			continue;
		if (functions[i].id != NOT_FOUND)
			return -ENOTUNIQ;
		functions[i].id = type->id;
	}
	return 0;
}

static bool lies_within(uint32_t offset, uint32_t length, size_t size)
{
	return offset <= size && length <= size - offset;
}

static int open_btf(const unsigned char *bytes, size_t size, struct btf *ret)
{
	struct btf_header header;

	if (size < sizeof(header))
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != BTF_MAGIC || header.version != BTF_VERSION || header.hdr_len < sizeof(header) ||
	    header.hdr_len > size)
		return -EBADMSG;
	bytes += header.hdr_len;
	size -= header.hdr_len;
	if (!lies_within(header.type_off, header.type_len, size) ||
	    !lies_within(header.str_off, header.str_len, size) || header.str_len == 0 ||
	    bytes[header.str_off + header.str_len - 1] != '\0')
		return -EBADMSG;
	*ret = (struct btf){
		.types = bytes + header.type_off,
		.types_size = header.type_len,
		.strings = (const char *)bytes + header.str_off,
		.strings_size = header.str_len,
	};
	return 0;
}

static int check_all_found(const struct btf_field *fields, size_t field_count, const struct btf_function *functions,
			   size_t function_count)
{
	for (size_t i = 0; i < field_count; i++)
		if (fields[i].bytes == NOT_FOUND)
			return -ENOENT;
	for (size_t i = 0; i < function_count; i++)
		if (functions[i].id == NOT_FOUND)
			return -ENOENT;
	return 0;
}

int btf_find(const void *bytes, size_t size, struct btf_field *fields, size_t field_count,
	     struct btf_function *functions, size_t function_count)
{
	struct type type = { .id = 0 };
	struct btf btf;
	int r = open_btf(bytes, size, &btf);

	if (r < 0)
		return r;
	for (size_t i = 0; i < field_count; i++)
		fields[i].bytes = NOT_FOUND;
	for (size_t i = 0; i < function_count; i++)
		functions[i].id = NOT_FOUND;
	while ((r = next_type(&btf, &type)) > 0) {
		const uint32_t kind = (type.head.info >> 24) & 0x1f;

		if (kind == BTF_KIND_STRUCT)
			r = fill_fields(&btf, &type, fields, field_count);
		else if (kind == BTF_KIND_FUNC)
			r = fill_functions(&btf, &type, functions, function_count);
		if (r < 0)
			break;
	}
	return r < 0 ? r : check_all_found(fields, field_count, functions, function_count);
}
