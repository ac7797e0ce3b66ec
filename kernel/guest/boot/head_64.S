/*
 * From a loader to the first function of C.
 *
 * Linux's own entry is startup_64: long mode, all memory that is touched here mapped where it lies, RSI the physical
 * address of struct boot_params. The decompressor jumps here (compressed/head_64.S), and so does a loader that has
 * unpacked the kernel itself. A PVH loader (QEMU's -kernel vmlinux, ringscope, Xen) finds pvh_start_xen by the ELF note
 * below and enters it with flat 32-bit segments, paging and interrupts off, and EBX the physical address of struct
 * hvm_start_info (Linux: arch/x86/kernel/head_64.S, arch/x86/platform/pvh/head.S).
 */
#include <asm/layout.h>
#include <asm/linkage.h>
#include <asm/processor-flags.h>

#define pa(symbol) ((symbol) - __START_KERNEL_map)

/* Page-table entries as they stand in memory: present, written, accessed and dirty from the start. */
#define TABLE		0x63
#define ROX		0x21
#define RO_LOW		0x21
#define RW_LOW		0x63
#define NX_HIGH		0x80000000
#define LARGE_ROX	0xa1
#define LARGE_RW_NX	0x80000000000000e3

#define L4_PAGE_OFFSET		273	/* entry of PAGE_OFFSET in the top table */
#define L4_START_KERNEL		511	/* entry of __START_KERNEL_map in the top table */
#define L3_START_KERNEL		510
#define L2_KERNEL		8	/* entry of 16 MiB, and of KERNEL_TEXT, in a page directory */

#define DWARF_RIP		16	/* a 32-bit section may not name it */
#define CPUID_NX_BIT		20
#define CPUID_LM_BIT		29

	.cfi_sections .debug_frame

	.section .note.Xen, "a", @note
	.balign 4
	.long	2f - 1f, 4f - 3f, 18		/* name size, value size, XEN_ELFNOTE_PHYS32_ENTRY */
1:	.asciz	"Xen"
2:	.balign 4
3:	.quad	pvh_start_xen
4:	.balign 4

/* Entries of level1_kernel_pgt for [start, end), page-aligned, with the given low and high flags. */
.macro map_kernel_range start, end, low, high
	movl	$pa(\start), %eax
	jmp	12f
11:	movl	%eax, %edx
	subl	$pa(_text), %edx
	shrl	$(PAGE_SHIFT - 3), %edx
	leal	\low(%rax), %ecx
	movl	%ecx, pa(level1_kernel_pgt)(%rdx)
	movl	$\high, pa(level1_kernel_pgt) + 4(%rdx)
	addl	$PAGE_SIZE, %eax
12:	cmpl	$pa(\end), %eax
	jb	11b
.endm

/* Linked where it is loaded: the one part of the kernel that runs at its physical address. */
	.section .head.text, "ax"
	.code32
SYM_CODE_START(pvh_start_xen)
	.cfi_startproc
	.cfi_undefined DWARF_RIP
	cld
	cli
	movl	%ebx, pa(pvh_start_info_pa)

	movl	$0x80000001, %eax
	cpuid
	btl	$CPUID_LM_BIT, %edx
	jnc	no_longmode

	movl	$X86_CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$pa(init_top_pgt), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	movl	$(EFER_LME | EFER_NX | EFER_SCE), %eax
	xorl	%edx, %edx
	wrmsr
	movl	$(X86_CR0_PE | X86_CR0_PG), %eax	/* without WP the read-only identity map can be written */
	movl	%eax, %cr0

	/* Long mode is active, in a compatibility segment, on the one identity-mapped page. No boot_params yet. */
	xorl	%esi, %esi
	lgdtl	pa(early_gdt_descr)
	ljmpl	$__KERNEL_CS, $startup_64

SYM_INNER_LABEL(no_longmode)
	hlt
	jmp	no_longmode
	.cfi_endproc
SYM_CODE_END(pvh_start_xen)

	.code64
SYM_CODE_START(startup_64)
	.cfi_startproc
	.cfi_undefined %rip
	cld
	cli
	movl	%esi, %r15d

	/* No-execute pages, or nothing. */
	movl	$0x80000001, %eax
	cpuid
	btl	$CPUID_NX_BIT, %edx
	jnc	no_longmode

	/* A loader need not have cleared it. */
	movl	$pa(__bss_start), %edi
	movl	$pa(__bss_stop), %ecx
	subl	%edi, %ecx
	shrl	$3, %ecx
	xorl	%eax, %eax
	rep stosq

	map_kernel_range _text, __start_rodata, ROX, 0
	map_kernel_range __start_rodata, __end_rodata, RO_LOW, NX_HIGH
	map_kernel_range _sdata, __init_begin, RW_LOW, NX_HIGH
	map_kernel_range _sinittext, _einittext, ROX, 0
	map_kernel_range _einittext, _end, RW_LOW, NX_HIGH

	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_NX | EFER_SCE), %eax
	wrmsr
	movl	$X86_CR4_PAE, %eax
	movq	%rax, %cr4
	movl	$pa(init_top_pgt), %eax
	movq	%rax, %cr3
	movl	$CR0_STATE, %eax
	movq	%rax, %cr0
	movq	$secondary_startup_64, %rax
	jmp	*%rax
	.cfi_endproc
SYM_CODE_END(startup_64)

/* The first instruction at the addresses that the kernel is linked for; other processors come here from trampoline.S. */
	.text
SYM_CODE_START(secondary_startup_64)
	.cfi_startproc
	.cfi_undefined %rip
	lgdt	gdt_descr(%rip)
	movl	$__KERNEL_DS, %eax
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs

	/* GS finds what belongs to this processor; see PER_CPU_VAR in calling.h. */
	movl	$MSR_GS_BASE, %ecx
	movl	initial_gs(%rip), %eax
	movl	initial_gs + 4(%rip), %edx
	wrmsr

	/* The loader's code segment came from another GDT. */
	movq	initial_stack(%rip), %rsp
	pushq	$__KERNEL_CS
	leaq	1f(%rip), %rax
	pushq	%rax
	lretq
1:
	movl	%r15d, %edi
	xorl	%ebp, %ebp
	call	*initial_code(%rip)
	ud2
	.cfi_endproc
SYM_CODE_END(secondary_startup_64)

	.section .init.data, "aw"
	.balign 8
	.globl	initial_gs, initial_stack, initial_code
initial_gs:	.quad	__per_cpu_start		/* of the processor that comes next: do_boot_cpu changes all three */
initial_stack:	.quad	init_stack + THREAD_SIZE
initial_code:	.quad	x86_64_start_kernel

	.data
	.balign 8
early_gdt_descr:
	.word	GDT_ENTRIES * 8 - 1
	.long	pa(gdt_page)
	.balign 8
gdt_descr:
	.word	GDT_ENTRIES * 8 - 1
	.quad	gdt_page

.macro page_table name
	.balign	PAGE_SIZE
	.globl	\name
	.type	\name, @object
	.size	\name, PAGE_SIZE
\name:
.endm

	.section .data..page_aligned, "aw"
/*
 * The kernel's own top table: init_mm's, and the pattern of every user's upper half. Bit 12 of its address is clear, as of
 * all the kernel's tables (PTI_USER_PGTABLE_MASK).
 */
	.balign	2 * PAGE_SIZE
page_table init_top_pgt
	.quad	pa(level3_ident_pgt) + TABLE
	.fill	L4_PAGE_OFFSET - 1, 8, 0
	.quad	pa(level3_direct_pgt) + TABLE
	.fill	L4_START_KERNEL - L4_PAGE_OFFSET - 1, 8, 0
	.quad	pa(level3_kernel_pgt) + TABLE
page_table level3_kernel_pgt
	.fill	L3_START_KERNEL, 8, 0
	.quad	pa(level2_kernel_pgt) + TABLE
	.fill	1, 8, 0
page_table level2_kernel_pgt
	.fill	L2_KERNEL, 8, 0
	.quad	pa(level1_kernel_pgt) + TABLE
	.fill	511 - L2_KERNEL, 8, 0
/* The identity map: the kernel's own 2 MiB, read-only, for startup_64 alone. */
page_table level3_ident_pgt
	.quad	pa(level2_ident_pgt) + TABLE
	.fill	511, 8, 0
page_table level2_ident_pgt
	.fill	L2_KERNEL, 8, 0
	.quad	LOAD_PHYSICAL_ADDR + LARGE_ROX
	.fill	511 - L2_KERNEL, 8, 0
/* The first GiB at PAGE_OFFSET, until mem_init knows how much there is. */
page_table level3_direct_pgt
	.quad	pa(level2_direct_pgt) + TABLE
	.fill	511, 8, 0
page_table level2_direct_pgt
	.set	frame, 0
	.rept	512
	.quad	frame + LARGE_RW_NX
	.set	frame, frame + PMD_SIZE
	.endr

	.section .bss..page_aligned, "aw", @nobits
page_table level1_kernel_pgt
	.fill	512, 8, 0
