/*
 * The vDSO: a shared object of one page and one segment, whose offsets in the file are its addresses, so that the
 * kernel can map it as it is. The page below it is the kernel's data (Linux: arch/x86/entry/vdso/vdso-layout.lds.S).
 */
#include <asm/layout.h>

PHDRS {
	text PT_LOAD FLAGS(5) FILEHDR PHDRS;
	dynamic PT_DYNAMIC FLAGS(4);
}

SECTIONS {
	vvar_page = . - PAGE_SIZE;
	. = SIZEOF_HEADERS;

	.hash		: { *(.hash) }			:text
	.gnu.hash	: { *(.gnu.hash) }
	.dynsym		: { *(.dynsym) }
	.dynstr		: { *(.dynstr) }
	.gnu.version	: { *(.gnu.version) }
	.gnu.version_d	: { *(.gnu.version_d) }
	.dynamic	: { *(.dynamic) }		:text :dynamic
	.rodata		: { *(.rodata .rodata.*) }	:text
	.text		: { *(.text .text.*) }
	/DISCARD/	: { *(.data .bss .comment .eh_frame .note.GNU-stack) }
}

VERSION {
	LINUX_2.6 {
	global:
		__vdso_clock_gettime;
		__vdso_gettimeofday;
		__vdso_time;
		__vdso_getcpu;
	local:
		*;
	};
}
