/*
 * From one task's stack to another's, and where a new task begins (Linux: arch/x86/entry/entry_64.S). No way into the
 * kernel: it is in the kernel's tables alone.
 */
#include <asm/asm-offsets.h>
#include <asm/layout.h>
#include <asm/linkage.h>
#include <asm/processor-flags.h>
#include "calling.h"

	.cfi_sections .eh_frame
	.text
	.code64

/*
 * struct task_struct *__switch_to_asm(prev, next): keep what C expects to be kept, change stacks, and let
 * __switch_to do the rest. The pushes are struct inactive_task_frame, which copy_thread builds for a new task.
 */
SYM_CODE_START(__switch_to_asm)
	.cfi_startproc
	PUSH_REG rbp
	PUSH_REG rbx
	PUSH_REG r12
	PUSH_REG r13
	PUSH_REG r14
	PUSH_REG r15
	movq	%rsp, TASK_threadsp(%rdi)
	movq	TASK_threadsp(%rsi), %rsp
	POP_REG	r15
	POP_REG	r14
	POP_REG	r13
	POP_REG	r12
	POP_REG	rbx
	POP_REG	rbp
	jmp	__switch_to
	.cfi_endproc
SYM_CODE_END(__switch_to_asm)

/*
 * Where a new task starts, with interrupts off: RAX the task that ran before, RBX the function of a kernel
 * thread or 0, R12 its argument. A kernel thread whose function returns has become a program meanwhile, by
 * kernel_execve without a system call, and enters ring 3 as a forked task does; else it exits with what the
 * function returned.
 */
SYM_CODE_START(ret_from_fork)
	.cfi_startproc simple
	CFI_PT_REGS
	movq	%rax, %rdi
	call	schedule_tail
	testq	%rbx, %rbx
	jnz	kernel_thread_starter
SYM_INNER_LABEL(ret_from_fork_to_user)
	movq	%rsp, %rdi
	call	irqentry_exit_to_user_mode
	jmp	swapgs_restore_regs_and_return_to_usermode
	.cfi_endproc
SYM_CODE_END(ret_from_fork)

SYM_CODE_START(kernel_thread_starter)
	.cfi_startproc
	.cfi_undefined %rip
	sti
	movq	%r12, %rdi
	call	*%rbx
	movq	PER_CPU_VAR(current_task), %rdx
	testl	$PF_KTHREAD, TASK_flags(%rdx)
	jnz	1f
	cli
	jmp	ret_from_fork_to_user
1:	movl	%eax, %edi
	call	sys_exit
	ud2
	.cfi_endproc
SYM_CODE_END(kernel_thread_starter)
