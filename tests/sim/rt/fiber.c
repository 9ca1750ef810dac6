/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fibers: a stack each, a switch of registers, and thread-local variables of their own.
 *
 * The code under test is compiled with emulated thread-local storage: each use of such a variable
 * calls __emutls_get_address(), which is here. So each fiber has its own lcore id and rte_errno, and
 * the address of a thread-local variable identifies it, as it does a thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rt.h"

/* ---- the switch ------------------------------------------------------------------------------ */

/* Saves the registers that a call preserves, and goes on where @p to stopped. */
void rt_swap(void **from, void *to);

#if defined(__x86_64__)
__asm__(".text\n.globl rt_swap\n.type rt_swap,@function\n"
	"rt_swap:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, (%rdi)\n	mov %rsi, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n"
	".size rt_swap, . - rt_swap\n");
#define FRAME 8 /* six registers, the address to return to, and the one that a call leaves */
#define FRAME_PC 6
#elif defined(__aarch64__)
__asm__(".text\n.globl rt_swap\n.type rt_swap,%function\n"
	"rt_swap:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp]\n	stp x21, x22, [sp, #16]\n	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n	stp x27, x28, [sp, #64]\n	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n	str x9, [x0]\n	mov sp, x1\n"
	"	ldp x19, x20, [sp]\n	ldp x21, x22, [sp, #16]\n	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n	ldp x27, x28, [sp, #64]\n	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n	ret\n"
	".size rt_swap, . - rt_swap\n");
#define FRAME 20
#define FRAME_PC 11
#else
#error "no switch of fibers is written for this machine"
#endif

static void
begin(void)
{
	struct sim_fiber *f = rt.cur;

	f->fn(f->arg);
	f->done = true;
	rt_store_drain(f, f->nb_store);
	rt_point(RT_SWITCH, 0, 0, 0);
	abort();
}

void
rt_fiber_make(struct sim_fiber *f)
{
	/* The stack is aligned as after a call. */
	uintptr_t *top = (uintptr_t *)(void *)(f->stack + RT_STACK - 64);

	top -= FRAME;
	memset(top, 0, FRAME * sizeof(*top));
	top[FRAME_PC] = (uintptr_t)begin;
	f->sp = top;
	memset(f->tls, 0, RT_TLS);
}

void
rt_fiber_switch(struct sim_fiber *f)
{
	struct sim_fiber *old = rt.cur;
	void **from = old != NULL ? &old->sp : &rt.main_sp;

	if (rt.conf.buffer != 0) {
		if (old != NULL)
			rt_store_leave(old);
		rt.cur = NULL;
		rt_drain_some();
	}
	rt.cur = f;
	if (f != NULL)
		rt_store_enter(f);
	rt_swap(from, f != NULL ? f->sp : rt.main_sp);
}

void
rt_stacks_init(void)
{
	static uint8_t *stacks;
	const size_t each = RT_STACK + 4096 + RT_TLS;

	if (stacks == NULL) {
		stacks = rt_map(UINT64_C(0x7) << 40, SIM_FIBERS * each);
		for (unsigned int i = 0; i < SIM_FIBERS; i++)
			mprotect(stacks + i * each, 4096, PROT_NONE);
	}
	for (unsigned int i = 0; i < SIM_FIBERS; i++) {
		rt.fiber[i].stack = stacks + i * each + 4096;
		rt.fiber[i].tls = rt.fiber[i].stack + RT_STACK;
	}
}

/* ---- thread-local storage -------------------------------------------------------------------- */

/* The compiler's record of a variable. */
struct emutls {
	size_t size, align;
	size_t off;    /* ours: 1 + the place in a fiber's block; 0: none yet */
	void *initial; /* NULL: zero */
};

void *__emutls_get_address(struct emutls *v);

/* The caller of sim_run() has one, too: it makes what the fibers use. */
static _Alignas(64) uint8_t main_tls[RT_TLS];

void *
__emutls_get_address(struct emutls *v)
{
	static size_t used;

	if (v->off == 0) {
		used = (used + v->align - 1) & ~(v->align - 1);
		v->off = used + 1;
		used += v->size;
		if (used > RT_TLS || v->initial != NULL) {
			fprintf(stderr, "sim: thread-local storage: %zu bytes%s\n", used,
				v->initial != NULL ? ", one with a value" : "");
			exit(99);
		}
	}
	return (rt.cur != NULL ? rt.cur->tls : main_tls) + v->off - 1;
}
