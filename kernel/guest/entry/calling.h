/*
 * How entry code lays out struct pt_regs, with the call-frame information that lets a debugger walk from
 * the kernel's frames to those of the code that was interrupted.
 */

#include <asm/alternative.h>
#include <asm/cpufeature.h>

/* A per-processor variable, once GS holds the kernel's base (after swapgs). */
#define PER_CPU_VAR(name)	%gs:percpu_##name

/* DWARF numbers of registers that have no name in .cfi directives. */
#define DWARF_RFLAGS		49
#define DWARF_CS		51
#define DWARF_SS		52

/* The five words that the processor pushed, below them \above bytes of our own. */
.macro CFI_IRET_FRAME above=0
	.cfi_def_cfa %rsp, 40 + \above
	.cfi_offset %rip, -40
	.cfi_offset DWARF_CS, -32
	.cfi_offset DWARF_RFLAGS, -24
	.cfi_offset %rsp, -16
	.cfi_offset DWARF_SS, -8
.endm

/* A whole struct pt_regs at the stack pointer. */
.macro CFI_PT_REGS
	CFI_IRET_FRAME above=SIZEOF_PTREGS - 40
	.cfi_rel_offset %r15, R15
	.cfi_rel_offset %r14, R14
	.cfi_rel_offset %r13, R13
	.cfi_rel_offset %r12, R12
	.cfi_rel_offset %rbp, RBP
	.cfi_rel_offset %rbx, RBX
	.cfi_rel_offset %r11, R11
	.cfi_rel_offset %r10, R10
	.cfi_rel_offset %r9, R9
	.cfi_rel_offset %r8, R8
	.cfi_rel_offset %rax, RAX
	.cfi_rel_offset %rcx, RCX
	.cfi_rel_offset %rdx, RDX
	.cfi_rel_offset %rsi, RSI
	.cfi_rel_offset %rdi, RDI
.endm

.macro PUSH_REG register
	pushq	%\register
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %\register, 0
.endm

.macro POP_REG register
	popq	%\register
	.cfi_adjust_cfa_offset -8
	.cfi_restore %\register
.endm

/* After orig_ax: the rest of struct pt_regs. \rax is what the caller will find in RAX if nothing is written. */
.macro PUSH_REGS rax=%rax
	PUSH_REG rdi
	PUSH_REG rsi
	PUSH_REG rdx
	PUSH_REG rcx
	pushq	\rax
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rax, 0
	PUSH_REG r8
	PUSH_REG r9
	PUSH_REG r10
	PUSH_REG r11
	PUSH_REG rbx
	PUSH_REG rbp
	PUSH_REG r12
	PUSH_REG r13
	PUSH_REG r14
	PUSH_REG r15
.endm

.macro POP_REGS
	POP_REG	r15
	POP_REG	r14
	POP_REG	r13
	POP_REG	r12
	POP_REG	rbp
	POP_REG	rbx
	POP_REG	r11
	POP_REG	r10
	POP_REG	r9
	POP_REG	r8
	POP_REG	rax
	POP_REG	rcx
	POP_REG	rdx
	POP_REG	rsi
	POP_REG	rdi
.endm

/*
 * With page-table isolation an address space has two top tables side by side: the kernel's, and 4 KiB above it ring 3's,
 * which has of the kernel no more than what is on these pages. So one bit of CR3 tells them apart. From ring 3 the
 * processor arrives with ring 3's; nothing but the entry text, the entry stack and what is beside them is there, until
 * CR3 is the kernel's. Without isolation all of this is jumped over (Linux: arch/x86/entry/calling.h).
 */
#define PTI_USER_PGTABLE_MASK	(1 << PAGE_SHIFT)

.macro SWITCH_TO_KERNEL_CR3 scratch_reg:req
	ALTERNATIVE "jmp .Lend_\@", "", X86_FEATURE_PTI
	movq	%cr3, \scratch_reg
	andq	$~PTI_USER_PGTABLE_MASK, \scratch_reg
	movq	\scratch_reg, %cr3
.Lend_\@:
.endm

/* The last that needs the kernel's tables is done; GS is still the kernel's, and \scratch_reg the user's. */
.macro SWITCH_TO_USER_CR3 scratch_reg:req
	movq	%cr3, \scratch_reg
	orq	$PTI_USER_PGTABLE_MASK, \scratch_reg
	movq	\scratch_reg, %cr3
.endm

/* From ring 3 by a gate, GS the kernel's: leave ring 3's tables and the entry stack for the task's own. Loses what C may. */
.macro SWITCH_TO_TASK_STACK
	ALTERNATIVE "jmp .Lend_\@", "", X86_FEATURE_PTI
	movq	%cr3, %rdi
	andq	$~PTI_USER_PGTABLE_MASK, %rdi
	movq	%rdi, %cr3
	movq	%rsp, %rdi
	call	sync_regs
	movq	%rax, %rsp
.Lend_\@:
.endm

/* From ring 0, perhaps before or after one of the above: whose tables it was is kept for RESTORE_CR3. */
.macro SAVE_AND_SWITCH_TO_KERNEL_CR3 scratch_reg:req save_reg:req
	ALTERNATIVE "jmp .Lend_\@", "", X86_FEATURE_PTI
	movq	%cr3, \scratch_reg
	movq	\scratch_reg, \save_reg
	andq	$~PTI_USER_PGTABLE_MASK, \scratch_reg
	movq	\scratch_reg, %cr3
.Lend_\@:
.endm

.macro RESTORE_CR3 save_reg:req
	ALTERNATIVE "jmp .Lend_\@", "", X86_FEATURE_PTI
	movq	\save_reg, %cr3
.Lend_\@:
.endm
