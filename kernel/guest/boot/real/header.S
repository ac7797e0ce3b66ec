/*
 * The first sectors of the image: a boot sector that only says what is missing, the header that a boot loader reads
 * and fills in, and the first instructions in real mode (Linux: arch/x86/boot/header.S).
 */
#include <asm/layout.h>
#include <asm/linkage.h>
#include "segment.h"

#define PROTOCOL	0x020f
#define STACK_SIZE	0x1000
#define SETUP_SIGNATURE	0x5a5aaa55

	.code16
	.section .bstext, "ax"
	.globl	bootsect_start
bootsect_start:
	ljmpw	$0x07c0, $1f
1:	movw	%cs, %ax
	movw	%ax, %ds
	xorw	%ax, %ax
	movw	%ax, %ss
	movw	$0x7c00, %sp
	cld
	movw	$bugger_off_msg, %si
2:	lodsb
	testb	%al, %al
	jz	3f
	movb	$0x0e, %ah
	movw	$7, %bx
	int	$0x10
	jmp	2b
3:	xorw	%ax, %ax
	int	$0x16			/* any key: try the next device */
	int	$0x19
bugger_off_msg:
	.asciz	"This is a kernel: use a boot loader.\r\n"

	.section .header, "a"
	.globl	hdr
hdr:
setup_sects:		.byte	SETUP_SECTS
root_flags:		.word	1
syssize:		.long	SYSSIZE
ram_size:		.word	0
vid_mode:		.word	0xffff		/* as it is */
root_dev:		.word	0
boot_flag:		.word	0xaa55

/* File offset 0x200, the 16-bit entry: two bytes that jump over the rest of the header. */
	.globl	_start
_start:
	.byte	0xeb			/* short jump */
	.byte	start_of_setup - 1f
1:
			.ascii	"HdrS"
version:		.word	PROTOCOL
realmode_swtch:		.long	0
start_sys_seg:		.word	0x1000
kernel_version:		.word	version_text - 0x200
type_of_loader:		.byte	0
loadflags:		.byte	LOADED_HIGH
setup_move_size:	.word	0x8000
code32_start:		.long	BOOT_LOAD_ADDR
ramdisk_image:		.long	0
ramdisk_size:		.long	0
bootsect_kludge:	.long	0
heap_end_ptr:		.word	_end + STACK_SIZE - 512
ext_loader_ver:		.byte	0
ext_loader_type:	.byte	0
cmd_line_ptr:		.long	0
initrd_addr_max:	.long	0x7fffffff
kernel_alignment:	.long	PMD_SIZE
relocatable_kernel:	.byte	0
min_alignment:		.byte	21
xloadflags:		.word	XLF_KERNEL_64
cmdline_size:		.long	2047
hardware_subarch:	.long	0
hardware_subarch_data:	.quad	0
payload_offset:		.long	PAYLOAD_OFFSET
payload_length:		.long	PAYLOAD_LENGTH
setup_data:		.quad	0
pref_address:		.quad	LOAD_PHYSICAL_ADDR
init_size:		.long	PMD_SIZE
handover_offset:	.long	0
kernel_info_offset:	.long	0

	.section .entrytext, "ax"
/* DS is this segment, CS may be another one: 512 bytes up. */
SYM_CODE_START(start_of_setup)
	cld
	movw	%ds, %ax
	movw	%ax, %es

	/* A stack that the loader made in this segment is good; else the heap's end, or the segment's. */
	movw	%ss, %dx
	cmpw	%ax, %dx
	movw	%sp, %dx
	je	2f
	movw	$0xfffc, %dx
	testb	$CAN_USE_HEAP, loadflags
	jz	2f
	movw	heap_end_ptr, %dx
	addw	$512, %dx
2:	andw	$~3, %dx
	movw	%ax, %ss
	movzwl	%dx, %esp
	sti

	/* From here on an offset means the same by CS as by DS. */
	pushw	%ds
	pushw	$1f
	lretw
1:	cmpl	$SETUP_SIGNATURE, setup_sig
	jne	setup_bad
	movw	$__bss_start, %di
	movw	$_end + 3, %cx
	xorl	%eax, %eax
	subw	%di, %cx
	shrw	$2, %cx
	rep stosl
	calll	main
SYM_CODE_END(start_of_setup)

/* The loader read too few sectors. */
SYM_CODE_START(setup_bad)
	movl	$setup_corrupt, %eax
	calll	puts
SYM_CODE_END(setup_bad)

SYM_CODE_START(die)
	hlt
	jmp	die
SYM_CODE_END(die)

	.section .rodata, "a"
version_text:
	.asciz	"6.1.0-ringscope"
setup_corrupt:
	.asciz	"No setup signature found...\n"

	.section .signature, "a"
setup_sig:
	.long	SETUP_SIGNATURE
