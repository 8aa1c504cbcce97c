/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* A program for bpf(2), put together from instructions: Documentation/bpf/standardization/instruction-set.rst. */

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BPF_ROOM 512

struct bpf_program {
	struct bpf_insn items[BPF_ROOM];
	size_t count;
	bool overflown; /* it did not fit, and is none */
};

static inline void bpf_put(struct bpf_program *program, struct bpf_insn instruction)
{
	program->overflown = program->overflown || program->count == BPF_ROOM;
	if (!program->overflown)
		program->items[program->count++] = instruction;
}

static inline void bpf_set(struct bpf_program *program, unsigned to, int32_t value)
{
	bpf_put(program, (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = to & 0xfU, .imm = value });
}

static inline void bpf_copy(struct bpf_program *program, unsigned to, unsigned from)
{
	bpf_put(program,
		(struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to & 0xfU, .src_reg = from & 0xfU });
}

static inline void bpf_add(struct bpf_program *program, unsigned to, int32_t value)
{
	bpf_put(program, (struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = to & 0xfU, .imm = value });
}

static inline void bpf_add_register(struct bpf_program *program, unsigned to, unsigned from)
{
	bpf_put(program,
		(struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = to & 0xfU, .src_reg = from & 0xfU });
}

static inline void bpf_multiply(struct bpf_program *program, unsigned to, int32_t value)
{
	bpf_put(program, (struct bpf_insn){ .code = BPF_ALU64 | BPF_MUL | BPF_K, .dst_reg = to & 0xfU, .imm = value });
}

/* size: BPF_W or BPF_DW. */
static inline void bpf_load(struct bpf_program *program, int size, unsigned to, unsigned from, int offset)
{
	bpf_put(program, (struct bpf_insn){ .code = (uint8_t)(BPF_LDX | BPF_MEM | size),
					    .dst_reg = to & 0xfU,
					    .src_reg = from & 0xfU,
					    .off = (int16_t)offset });
}

/* 8 bytes of 0 on the stack. */
static inline void bpf_clear(struct bpf_program *program, int offset)
{
	bpf_put(program,
		(struct bpf_insn){ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = (int16_t)offset });
}

static inline void bpf_call(struct bpf_program *program, enum bpf_func_id helper)
{
	bpf_put(program, (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = (int32_t)helper });
}

/* With 0, after which an iterator goes on with what is next. */
static inline void bpf_return(struct bpf_program *program)
{
	bpf_set(program, BPF_REG_0, 0);
	bpf_put(program, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

/* Unless the register is as said. */
static inline void bpf_return_unless(struct bpf_program *program, int comparison, unsigned left, int32_t right)
{
	bpf_put(program, (struct bpf_insn){ .code = (uint8_t)(BPF_JMP | comparison | BPF_K),
					    .dst_reg = left & 0xfU,
					    .off = 2,
					    .imm = right });
	bpf_return(program);
}

static inline void bpf_return_unless_equal(struct bpf_program *program, unsigned left, unsigned right)
{
	bpf_put(program,
		(struct bpf_insn){
			.code = BPF_JMP | BPF_JEQ | BPF_X, .dst_reg = left & 0xfU, .src_reg = right & 0xfU, .off = 2 });
	bpf_return(program);
}
