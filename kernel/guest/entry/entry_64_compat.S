/*
 * SYSENTER, the fast way into the kernel of 32-bit programs (Linux: arch/x86/entry/entry_64_compat.S). int $0x80 is
 * in entry_64.S: it serves both.
 */
#include <asm/asm-offsets.h>
#include <asm/layout.h>
#include <asm/linkage.h>
#include <asm/processor-flags.h>
#include "calling.h"

#define ENOSYS 38

	.cfi_sections .eh_frame
	.section .entry.text, "ax"
	.code64

/* What rings.c asks of a gate: the flags it left in RAX, the code segment it led to in EDX. */
.macro LOOK_AT_CS_AND_RFLAGS
	pushfq
	.cfi_adjust_cfa_offset 8
	popq	%rax
	.cfi_adjust_cfa_offset -8
	movl	%cs, %edx
.endm

/*
 * Ring 1, which Linux does not use: reached by a call gate and a trap gate from ring 3. All that happens here is a
 * look at CS and RFLAGS, so that rings.c can tell what each gate did to them. To paging rings 0 to 2 are all the
 * supervisor; to entry code ring 1 is not ring 0, so an interrupt here finds the user's GS and swaps it. An interrupt
 * gate must not lead here: IRETQ in ring 1 cannot set IF again (SDM 2A IRET), and ring 3 would run on without it.
 */
SYM_CODE_START(entry_RING1_gate)
	.cfi_startproc simple
	CFI_IRET_FRAME
	LOOK_AT_CS_AND_RFLAGS
	iretq
	.cfi_endproc
SYM_CODE_END(entry_RING1_gate)

/* The same look, behind an interrupt gate to ring 0: with interrupts off nobody misses the kernel's GS. */
SYM_CODE_START(entry_INTERRUPT_gate)
	.cfi_startproc simple
	CFI_IRET_FRAME
	LOOK_AT_CS_AND_RFLAGS
	jmp	native_irq_return_iret
	.cfi_endproc
SYM_CODE_END(entry_INTERRUPT_gate)

/* A far call pushed SS, RSP, CS and RIP, and no flags. */
SYM_CODE_START(entry_CALL_gate)
	.cfi_startproc simple
	.cfi_def_cfa %rsp, 32
	.cfi_offset %rip, -32
	.cfi_offset DWARF_CS, -24
	.cfi_offset %rsp, -16
	.cfi_offset DWARF_SS, -8
	LOOK_AT_CS_AND_RFLAGS
	lretq
	.cfi_endproc
SYM_CODE_END(entry_CALL_gate)

/*
 * EAX number, EBX ECX EDX ESI EDI arguments, EBP the user's stack, with the sixth argument on it. The processor took
 * CS, RIP and RSP from three MSRs, cleared IF, and kept nothing of where it came from (SDM 2B SYSENTER). It left TF,
 * NT and AC as the program had them: flags that ring 0 must not run with.
 */
SYM_CODE_START(entry_SYSENTER_compat)
	.cfi_startproc simple
	.cfi_def_cfa %rsp, 0
	.cfi_undefined %rip
	swapgs
	SWITCH_TO_KERNEL_CR3 scratch_reg=%rsp
	movq	PER_CPU_VAR(cpu_current_top_of_stack), %rsp

	/* struct pt_regs as a gate would have pushed it; do_SYSENTER_32 knows RIP and RSP. */
	pushq	$__USER_DS
	.cfi_adjust_cfa_offset 8
	pushq	$0
	.cfi_adjust_cfa_offset 8
	pushfq
	.cfi_adjust_cfa_offset 8
	pushq	$__USER32_CS
	.cfi_adjust_cfa_offset 8
	pushq	$0
	.cfi_adjust_cfa_offset 8
	pushq	%rax
	.cfi_adjust_cfa_offset 8
	PUSH_REGS rax=$-ENOSYS
	orl	$X86_EFLAGS_IF, EFLAGS(%rsp)
	pushq	$X86_EFLAGS_FIXED
	.cfi_adjust_cfa_offset 8
	popfq
	.cfi_adjust_cfa_offset -8

	movq	%rsp, %rdi
	call	do_SYSENTER_32
	jmp	swapgs_restore_regs_and_return_to_usermode
	.cfi_endproc
SYM_CODE_END(entry_SYSENTER_compat)
