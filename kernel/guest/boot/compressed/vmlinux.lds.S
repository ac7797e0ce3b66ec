/* The decompressor, at 1 MiB. The packed kernel has a place that the setup header can name. */
#include <asm/layout.h>
#include "../real/segment.h"

ENTRY(startup_32)

SECTIONS {
	. = BOOT_LOAD_ADDR;
	.head.text : { *(.head.text) }
	. = BOOT_LOAD_ADDR + PAYLOAD_OFFSET;
	.rodata..compressed : { *(.rodata..compressed) }
	.text : { *(.text .text.*) }
	.rodata : { *(.rodata .rodata.*) }
	.data : { *(.data .data.*) }
	. = ALIGN(8);
	_edata = .;
	.bss : {
		_bss = .;
		*(.bss .bss.* COMMON)
		. = ALIGN(8);
		_ebss = .;
	}
	.stack : { *(.stack) }
	.pgtable : { *(.pgtable) }
	_end = .;
	/DISCARD/ : { *(.comment) *(.note.GNU-stack) *(.eh_frame) }
}

ASSERT(SIZEOF(.head.text) <= PAYLOAD_OFFSET, "the decompressor's head reaches into the payload")
ASSERT(_end <= LOAD_PHYSICAL_ADDR, "the decompressor reaches into the kernel's place")
