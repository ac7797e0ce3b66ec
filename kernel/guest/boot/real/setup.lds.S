/* The setup code: linked at 0, loaded at any multiple of 16 in conventional memory, with DS pointing to it. */
ENTRY(_start)

SECTIONS {
	. = 0;
	.bstext : { *(.bstext) }
	.header 0x1f1 : { *(.header) }
	.entrytext : { *(.entrytext) }
	.inittext : { *(.inittext) }
	.text : { *(.text .text.*) }
	. = ALIGN(16);
	.rodata : { *(.rodata .rodata.*) }
	.data : { *(.data .data.*) }
	.signature : { *(.signature) }
	_edata = .;
	. = ALIGN(16);
	.bss : {
		__bss_start = .;
		*(.bss .bss.* COMMON)
		_end = .;
	}
	/DISCARD/ : { *(.comment) *(.note.*) *(.eh_frame) }
}

ASSERT(hdr == 0x1f1, "the setup header is at a wrong offset")
ASSERT(_start == 0x200, "the 16-bit entry is at a wrong offset")
ASSERT(_end <= 0x8000, "setup is too big")
