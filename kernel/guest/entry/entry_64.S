/*
 * Every way into the kernel and out of it: exceptions, interrupts, SYSCALL, int $0x80. Where a new task begins is in
 * switch_64.S.
 *
 * All gates are interrupt gates, so interrupts are off on entry. GS holds the user's base when the entry is
 * from ring 3, and swapgs is the first thing done about it.
 *
 * Exceptions and interrupts are marked .cfi_signal_frame: the interrupted address is exact, not a return
 * address. System calls are not, so that a backtrace shows their entry by name.
 */
#include <asm/asm-offsets.h>
#include <asm/layout.h>
#include <asm/linkage.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/unistd.h>
#include "calling.h"

#define ENOSYS 38

	/* Not .debug_frame: there the assembler would drop .cfi_signal_frame. */
	.cfi_sections .eh_frame
	.section .entry.text, "ax"
	.code64

/*
 * SYSCALL from ring 3: RAX number, RDI RSI RDX R10 R8 R9 arguments. The processor put RIP in RCX and RFLAGS in
 * R11, cleared the flags in MSR_SYSCALL_MASK and left the stack pointer to us (SDM 2B SYSCALL).
 */
SYM_CODE_START(entry_SYSCALL_64)
	.cfi_startproc simple
	.cfi_def_cfa %rsp, 0
	.cfi_register %rip, %rcx
	.cfi_register DWARF_RFLAGS, %r11
	swapgs
	movq	%rsp, PER_CPU_VAR(cpu_user_rsp)
	SWITCH_TO_KERNEL_CR3 scratch_reg=%rsp
	movq	PER_CPU_VAR(cpu_current_top_of_stack), %rsp

	/* struct pt_regs as a gate would have pushed it. */
	pushq	$__USER_DS
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset DWARF_SS, 0
	pushq	PER_CPU_VAR(cpu_user_rsp)
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rsp, 0
	pushq	%r11
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset DWARF_RFLAGS, 0
	pushq	$__USER_CS
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset DWARF_CS, 0
	pushq	%rcx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rip, 0
	pushq	%rax
	.cfi_adjust_cfa_offset 8
	PUSH_REGS rax=$-ENOSYS

	movq	%rsp, %rdi
	movl	%eax, %esi
	call	do_syscall_64

	/* False: something that SYSRET cannot restore was changed, as by execve. */
	testb	%al, %al
	jz	swapgs_restore_regs_and_return_to_usermode

SYM_INNER_LABEL(syscall_return_via_sysret)
	POP_REGS
	movq	RSP - ORIG_RAX(%rsp), %rsp
	.cfi_def_cfa %rsp, 0
	.cfi_register %rip, %rcx
	.cfi_register DWARF_RFLAGS, %r11
	.cfi_restore %rsp
	.cfi_restore DWARF_CS
	.cfi_restore DWARF_SS
	ALTERNATIVE "jmp 1f", "", X86_FEATURE_PTI
	movq	%rdi, PER_CPU_VAR(cpu_user_rsp)
	SWITCH_TO_USER_CR3 scratch_reg=%rdi
	movq	PER_CPU_VAR(cpu_user_rsp), %rdi
1:	swapgs
SYM_INNER_LABEL(native_sysret)
	sysretq
	.cfi_endproc
SYM_CODE_END(entry_SYSCALL_64)

/* SYSCALL from a 32-bit code segment: we have no 32-bit programs, and no SYSCALL for them. */
SYM_CODE_START(ignore_sysret)
	.cfi_startproc simple
	.cfi_def_cfa %rsp, 0
	.cfi_register %rip, %rcx
	movl	$-ENOSYS, %eax
	sysretl
	.cfi_endproc
SYM_CODE_END(ignore_sysret)

/*
 * int $0x80: EAX number in i386's table, EBX ECX EDX ESI EDI EBP arguments.
 *
 * From ring 3 it's i386's ABI: registers are cut to 32 bits. From ring 0 it is kernel_execve, which starts the
 * first program: the frame below is then on the kernel thread's own stack with CS __KERNEL_CS, start_thread
 * makes it a user's, and the IRETQ that ends this system call enters ring 3 for the first time.
 */
SYM_CODE_START(system_call)
	.cfi_startproc simple
	CFI_IRET_FRAME
	ASM_CLAC
	cld
	testb	$SEGMENT_RPL_MASK, CS - RIP(%rsp)
	jz	1f
	swapgs
1:	pushq	%rax
	.cfi_adjust_cfa_offset 8
	PUSH_REGS rax=$-ENOSYS
	testb	$SEGMENT_RPL_MASK, CS(%rsp)
	jz	1f
	SWITCH_TO_TASK_STACK
	call	enter_from_user_mode
	movq	ORIG_RAX(%rsp), %rax

1:	movq	PER_CPU_VAR(current_task), %r12
	movq	%rsp, TASK_threadregs(%r12)
	sti

	movl	%eax, %eax
	movq	RBX(%rsp), %rdi
	movq	RSI(%rsp), %r10
	movq	RDI(%rsp), %r8
	movq	RBP(%rsp), %r9
	movq	RCX(%rsp), %rsi
	movq	RDX(%rsp), %rdx
	movq	%r10, %rcx
	testb	$SEGMENT_RPL_MASK, CS(%rsp)
	jz	2f
	orl	$TS_COMPAT, TASK_threadstatus(%r12)
	movl	%edi, %edi
	movl	%esi, %esi
	movl	%edx, %edx
	movl	%ecx, %ecx
	movl	%r8d, %r8d
	movl	%r9d, %r9d
2:	cmpl	$__NR_ia32_syscalls, %eax
	jae	3f
	call	*ia32_sys_call_table(, %rax, 8)
	movq	%rax, RAX(%rsp)
3:	cli
	andl	$~(TS_COMPAT | TS_FORCE_IRET), TASK_threadstatus(%r12)	/* it leaves by IRETQ anyhow */
	jmp	ret_from_intr
	.cfi_endproc
SYM_CODE_END(system_call)

/* The common end of gates; interrupts are off and a struct pt_regs is on the stack. */
SYM_CODE_START(ret_from_intr)
	.cfi_startproc simple
	CFI_PT_REGS
	testb	$SEGMENT_RPL_MASK, CS(%rsp)
	jz	restore_regs_and_return_to_kernel
	movq	%rsp, %rdi
	call	irqentry_exit_to_user_mode
	jmp	swapgs_restore_regs_and_return_to_usermode
	.cfi_endproc
SYM_CODE_END(ret_from_intr)

/* From ring 0 to ring 3: the five words that IRETQ takes are the end of the struct pt_regs on the stack. */
SYM_CODE_START(swapgs_restore_regs_and_return_to_usermode)
	.cfi_startproc simple
	CFI_PT_REGS
	POP_REGS
	addq	$8, %rsp
	CFI_IRET_FRAME

	/* With page-table isolation the five words must be where ring 3's tables have something: on the entry stack. */
	ALTERNATIVE "jmp 1f", "", X86_FEATURE_PTI
	movq	%rdi, PER_CPU_VAR(cpu_user_rsp)
	movq	%rsp, %rdi
	.cfi_def_cfa_register %rdi
	movq	PER_CPU_VAR(cpu_entry_stack_top), %rsp
	pushq	SS - RIP(%rdi)
	pushq	RSP - RIP(%rdi)
	pushq	EFLAGS - RIP(%rdi)
	pushq	CS - RIP(%rdi)
	pushq	(%rdi)
	.cfi_def_cfa_register %rsp
	SWITCH_TO_USER_CR3 scratch_reg=%rdi
	movq	PER_CPU_VAR(cpu_user_rsp), %rdi
1:	swapgs
SYM_INNER_LABEL(native_irq_return_iret)
	iretq
	.cfi_endproc
SYM_CODE_END(swapgs_restore_regs_and_return_to_usermode)

SYM_CODE_START(restore_regs_and_return_to_kernel)
	.cfi_startproc simple
	.cfi_signal_frame
	CFI_PT_REGS
	POP_REGS
	addq	$8, %rsp
	CFI_IRET_FRAME
	iretq
	.cfi_endproc
SYM_CODE_END(restore_regs_and_return_to_kernel)

/*
 * The rest of struct pt_regs, behind a gate. \has_error_code: the processor pushed one, or a stub of ours the vector;
 * without, \orig_ax stands in its place.
 */
.macro GATE_REGS has_error_code=0 orig_ax=$0
	.if \has_error_code
	CFI_IRET_FRAME above=8
	.else
	CFI_IRET_FRAME
	pushq	\orig_ax
	.cfi_adjust_cfa_offset 8
	.endif
	ASM_CLAC
	cld
	PUSH_REGS
.endm

/* \cfunc(struct pt_regs *regs, unsigned long error_code or vector), whose place then says that this is no system call. */
.macro CALL_HANDLER cfunc
	movq	%rsp, %rdi
	movq	ORIG_RAX(%rsp), %rsi
	movq	$-1, ORIG_RAX(%rsp)
	call	\cfunc
.endm

/*
 * An exception: \cfunc(struct pt_regs *regs, unsigned long error_code), on the current kernel stack or, from
 * ring 3, on the one that the TSS names. \has_error_code: the processor pushed one.
 */
.macro idtentry asmsym cfunc has_error_code=0
SYM_CODE_START(\asmsym)
	.cfi_startproc simple
	.cfi_signal_frame
	GATE_REGS \has_error_code
	testb	$SEGMENT_RPL_MASK, CS(%rsp)
	jz	2f
	swapgs
	SWITCH_TO_TASK_STACK
3:	call	enter_from_user_mode
1:	CALL_HANDLER \cfunc
	jmp	ret_from_intr

	/* Was it the IRETQ to ring 3 that faulted, with the user's GS loaded already? Then it is the user's fault. */
2:	leaq	native_irq_return_iret(%rip), %rcx
	cmpq	%rcx, RIP(%rsp)
	jne	1b
	swapgs
	SWITCH_TO_KERNEL_CR3 scratch_reg=%rcx
	movq	%rsp, %rdi
	call	fixup_bad_iret
	movq	%rax, %rsp
	jmp	3b
	.cfi_endproc
SYM_CODE_END(\asmsym)
.endm

/*
 * The same for gates with a stack of their own. From ring 3 the registers move to the task's stack and it goes
 * on as any exception does. From ring 0 it may have struck between a SYSCALL and its swapgs: CS does not tell
 * whose GS it is, but the sign does, since the kernel's half is negative.
 */
.macro idtentry_paranoid asmsym cfunc has_error_code=0
SYM_CODE_START(\asmsym)
	.cfi_startproc simple
	.cfi_signal_frame
	GATE_REGS \has_error_code
	testb	$SEGMENT_RPL_MASK, CS(%rsp)
	jz	1f
	swapgs
	SWITCH_TO_KERNEL_CR3 scratch_reg=%rax
	movq	%rsp, %rdi
	call	sync_regs
	movq	%rax, %rsp
	call	enter_from_user_mode
	CALL_HANDLER \cfunc
	jmp	ret_from_intr

1:	movl	$MSR_GS_BASE, %ecx
	rdmsr
	xorl	%ebx, %ebx
	testl	%edx, %edx
	js	2f
	swapgs
	incl	%ebx
2:	SAVE_AND_SWITCH_TO_KERNEL_CR3 scratch_reg=%rax save_reg=%r14
	CALL_HANDLER \cfunc
	RESTORE_CR3 save_reg=%r14
	testl	%ebx, %ebx
	jz	3f
	swapgs
3:	jmp	restore_regs_and_return_to_kernel
	.cfi_endproc
SYM_CODE_END(\asmsym)
.endm

/*
 * An interrupt from another processor, which has the kernel's lock and waits for this one: \cfunc(void) takes no lock and
 * looks at nothing but what is this processor's own.
 */
.macro idtentry_unlocked asmsym cfunc
SYM_CODE_START(\asmsym)
	.cfi_startproc simple
	.cfi_signal_frame
	GATE_REGS orig_ax=$-1
	testb	$SEGMENT_RPL_MASK, CS(%rsp)
	jz	1f
	swapgs
	SWITCH_TO_TASK_STACK
	call	\cfunc
	jmp	swapgs_restore_regs_and_return_to_usermode
1:	call	\cfunc
	jmp	restore_regs_and_return_to_kernel
	.cfi_endproc
SYM_CODE_END(\asmsym)
.endm

idtentry		asm_exc_divide_error			exc_divide_error
idtentry_paranoid	asm_exc_debug				exc_debug
idtentry_paranoid	asm_exc_nmi				exc_nmi
idtentry		asm_exc_int3				exc_int3
idtentry		asm_exc_overflow			exc_overflow
idtentry		asm_exc_bounds				exc_bounds
idtentry		asm_exc_invalid_op			exc_invalid_op
idtentry		asm_exc_device_not_available		exc_device_not_available
idtentry_paranoid	asm_exc_double_fault			exc_double_fault	1
idtentry		asm_exc_coproc_segment_overrun		exc_coproc_segment_overrun
idtentry		asm_exc_invalid_tss			exc_invalid_tss		1
idtentry		asm_exc_segment_not_present		exc_segment_not_present	1
idtentry		asm_exc_stack_segment			exc_stack_segment	1
idtentry		asm_exc_general_protection		exc_general_protection	1
idtentry		asm_exc_page_fault			exc_page_fault		1
idtentry		asm_exc_coprocessor_error		exc_coprocessor_error
idtentry		asm_exc_alignment_check			exc_alignment_check	1
idtentry_paranoid	asm_exc_machine_check			exc_machine_check
idtentry		asm_exc_simd_coprocessor_error		exc_simd_coprocessor_error

/* An interrupt with a vector of its own is entered like an exception. */
idtentry		asm_sysvec_apic_timer_interrupt		sysvec_apic_timer_interrupt
idtentry		asm_sysvec_tick				sysvec_tick
idtentry		asm_sysvec_reschedule			sysvec_reschedule
idtentry_unlocked	asm_sysvec_invalidate_tlb		sysvec_invalidate_tlb
idtentry_unlocked	asm_sysvec_reboot			sysvec_reboot
idtentry_unlocked	asm_sysvec_spurious			sysvec_spurious

/* One entry of IRQ_ENTRY_SIZE bytes for each vector from 0x20 on: push the vector, go the common way. */
	.balign 16
	.globl	irq_entries_start
	.type	irq_entries_start, @function
irq_entries_start:
	.cfi_startproc simple
	.cfi_signal_frame
	CFI_IRET_FRAME
	.set	vector, FIRST_EXTERNAL_VECTOR
	.rept	NR_VECTORS - FIRST_EXTERNAL_VECTOR
	.balign 16
	.cfi_def_cfa_offset 40
	pushq	$vector
	.cfi_adjust_cfa_offset 8
	jmp	asm_common_interrupt
	.set	vector, vector + 1
	.endr
	.cfi_endproc
	.size	irq_entries_start, . - irq_entries_start

SYM_CODE_START(asm_common_interrupt)
	.cfi_startproc simple
	.cfi_signal_frame
	GATE_REGS has_error_code=1
	testb	$SEGMENT_RPL_MASK, CS(%rsp)
	jz	1f
	swapgs
	SWITCH_TO_TASK_STACK
	call	enter_from_user_mode
1:	CALL_HANDLER common_interrupt
	jmp	ret_from_intr
	.cfi_endproc
SYM_CODE_END(asm_common_interrupt)
