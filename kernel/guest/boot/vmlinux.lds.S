/*
 * Linked at 0xffffffff81000000, loaded at 16 MiB; the first page, which runs there, is linked there too. The parts start
 * on pages of their own, so that head_64.S can give each its rights: text R-X, rodata R--, data RW-. One page table maps
 * it all. What only the boot needs, text and data, lies together, and free_initmem gives it back.
 */
#include <asm/layout.h>

#define INIT_CALLS_LEVEL(level)				\
		__initcall##level##_start = .;		\
		KEEP(*(.initcall##level##.init))

ENTRY(startup_64)

PHDRS {
	head PT_LOAD FLAGS(5);
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	inittext PT_LOAD FLAGS(5);
	initdata PT_LOAD FLAGS(6);
	note PT_NOTE FLAGS(4);
}

SECTIONS {
	. = LOAD_PHYSICAL_ADDR;
	.head.text : AT(ADDR(.head.text)) {
		*(.head.text)
	} :head

	. = KERNEL_TEXT + PAGE_SIZE;
	.text : AT(ADDR(.text) - __START_KERNEL_map) {
		_text = . - PAGE_SIZE;
		__entry_text_start = .;
		*(.entry.text)
		. = ALIGN(PAGE_SIZE);
		__entry_text_end = .;
		*(.text .text.*)
		_etext = .;
	} :text

	. = ALIGN(PAGE_SIZE);
	__start_rodata = .;
	.rodata : AT(ADDR(.rodata) - __START_KERNEL_map) {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		__start___ex_table = .;
		KEEP(*(__ex_table))
		__stop___ex_table = .;
	} :rodata
	.eh_frame : AT(ADDR(.eh_frame) - __START_KERNEL_map) {
		KEEP(*(.eh_frame))
	} :rodata
	.notes : AT(ADDR(.notes) - __START_KERNEL_map) {
		KEEP(*(.note.Xen))
	} :rodata :note
	. = ALIGN(PAGE_SIZE);
	__end_rodata = .;

	_sdata = .;
	.data : AT(ADDR(.data) - __START_KERNEL_map) {
		*(.data..page_aligned)
		. = ALIGN(PAGE_SIZE);
		__per_cpu_start = .;
		*(.data..percpu..page_aligned)
		*(.data..percpu)
		. = ALIGN(PAGE_SIZE);
		__per_cpu_end = .;
		*(.data .data.*)
	} :data
	_edata = .;

	. = ALIGN(PAGE_SIZE);
	__init_begin = .;
	_sinittext = .;
	.init.text : AT(ADDR(.init.text) - __START_KERNEL_map) {
		*(.init.text)
	} :inittext
	. = ALIGN(PAGE_SIZE);
	_einittext = .;
	.init.data : AT(ADDR(.init.data) - __START_KERNEL_map) {
		*(.init.data)
		. = ALIGN(8);
		__setup_start = .;
		KEEP(*(.init.setup))
		__setup_end = .;
		. = ALIGN(8);
		__alt_instructions = .;
		KEEP(*(.altinstructions))
		__alt_instructions_end = .;
		. = ALIGN(8);
		INIT_CALLS_LEVEL(0)
		INIT_CALLS_LEVEL(1)
		INIT_CALLS_LEVEL(2)
		INIT_CALLS_LEVEL(3)
		INIT_CALLS_LEVEL(4)
		INIT_CALLS_LEVEL(5)
		INIT_CALLS_LEVEL(rootfs)
		INIT_CALLS_LEVEL(6)
		INIT_CALLS_LEVEL(7)
		__initcall_end = .;
	} :initdata
	. = ALIGN(PAGE_SIZE);
	__init_end = .;

	__bss_start = .;
	.bss : AT(ADDR(.bss) - __START_KERNEL_map) {
		__cpu_entry_bss_start = .;
		__per_cpu_units = .;
		. += (NR_CPUS - 1) * (__per_cpu_end - __per_cpu_start);
		*(.bss..cpu_entry_area)
		. = ALIGN(PAGE_SIZE);
		__cpu_entry_bss_end = .;
		*(.bss..page_aligned)
		*(.bss .bss.* COMMON)
		. = ALIGN(PAGE_SIZE);
	} :initdata
	__bss_stop = .;
	_end = .;

	/* What entry code adds to GS to reach a per-processor variable. */
	percpu_this_cpu_off = this_cpu_off - __per_cpu_start;
	percpu_current_task = current_task - __per_cpu_start;
	percpu_cpu_current_top_of_stack = cpu_current_top_of_stack - __per_cpu_start;
	percpu_cpu_user_rsp = cpu_user_rsp - __per_cpu_start;
	percpu_cpu_entry_stack_top = cpu_entry_stack_top - __per_cpu_start;

	/DISCARD/ : { *(.comment) *(.note.GNU-stack) }
}

ASSERT(_text == KERNEL_TEXT, "text moved")
ASSERT(SIZEOF(.head.text) <= PAGE_SIZE, "the head outgrew its page")
ASSERT(_end - _text <= PMD_SIZE, "the kernel outgrew its one page table")
