// SPDX-License-Identifier: GPL-2.0-only OR MIT
// System calls as the raw tracepoints sys_enter and sys_exit see them: number and arguments in the registers. Those hooks
// are cheaper to attach and detach than one tracepoint for each call, and cost the calls the same.
#ifndef PERFUSE_SYSCALLS_H
#define PERFUSE_SYSCALLS_H

#include "perfuse.h"

struct pt_regs {
	unsigned long orig_ax;
	unsigned long di;
	unsigned long si;
	unsigned long r10;
} CORE;

struct pt_regs___arm64 {
	u64 orig_x0;
	u64 regs[31];
	s32 syscallno;
} CORE;

struct pt_regs___riscv {
	unsigned long orig_a0;
	unsigned long a1;
	unsigned long a3;
	unsigned long a7;
} CORE;

// System call numbers of x86-64 and of the generic table (arm64, riscv64).
#define X86_MMAP 9
#define X86_CONNECT 42
#define X86_BIND 49
#define X86_CLONE 56
#define X86_VFORK 58
#define X86_FUTEX 202
#define GENERIC_FUTEX 98
#define GENERIC_BIND 200
#define GENERIC_CONNECT 203
#define GENERIC_CLONE 220
#define GENERIC_MMAP 222
#define CLONE3 435

// A 32-bit call of a 64-bit kernel, which has other numbers: TS_COMPAT of arch/x86/include/asm/thread_info.h.
#define TS_COMPAT 2

INLINE int x86(void)
{
	return field_exists(((struct pt_regs *)0)->orig_ax);
}

INLINE int arm64(void)
{
	return field_exists(((struct pt_regs___arm64 *)0)->syscallno);
}

INLINE u32 number_of(struct pt_regs *regs)
{
	if (x86())
		return regs->orig_ax;
	if (arm64())
		return ((struct pt_regs___arm64 *)regs)->syscallno;
	return ((struct pt_regs___riscv *)regs)->a7;
}

INLINE u64 first_of(struct pt_regs *regs)
{
	if (x86())
		return regs->di;
	if (arm64())
		return ((struct pt_regs___arm64 *)regs)->orig_x0;
	return ((struct pt_regs___riscv *)regs)->orig_a0;
}

INLINE u64 second_of(struct pt_regs *regs)
{
	if (x86())
		return regs->si;
	if (arm64())
		return ((struct pt_regs___arm64 *)regs)->regs[1];
	return ((struct pt_regs___riscv *)regs)->a1;
}

INLINE u64 fourth_of(struct pt_regs *regs)
{
	if (x86())
		return regs->r10;
	if (arm64())
		return ((struct pt_regs___arm64 *)regs)->regs[3];
	return ((struct pt_regs___riscv *)regs)->a3;
}

INLINE int compat(struct task_struct *task)
{
	return x86() && field_exists(task->thread_info.status) && task->thread_info.status & TS_COMPAT;
}

INLINE int is_futex(u32 number)
{
	return number == (x86() ? X86_FUTEX : GENERIC_FUTEX);
}

INLINE int is_fork(u32 number)
{
	if (number == CLONE3)
		return 1;
	return x86() ? number >= X86_CLONE && number <= X86_VFORK : number == GENERIC_CLONE;
}

INLINE int takes_address(u32 number)
{
	if (x86())
		return number == X86_CONNECT || number == X86_BIND;
	return number == GENERIC_CONNECT || number == GENERIC_BIND;
}

// A mapping of huge pages (MAP_HUGETLB of include/uapi/asm-generic/mman-common.h). Of these a host has as many as were set
// aside for it, mostly none, and whoever asks for them goes on with ordinary ones.
#define MAP_HUGETLB 0x40000

INLINE int maps_huge_pages(struct pt_regs *regs)
{
	return number_of(regs) == (x86() ? X86_MMAP : GENERIC_MMAP) && fourth_of(regs) & MAP_HUGETLB;
}

#endif
