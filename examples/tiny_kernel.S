/*
 * A whole kernel: a Multiboot 1 header and 32-bit code that says hello on the first serial port and ends the machine.
 *
 *   python -m ziglang clang --target=i386-unknown-none-elf -g -c examples/tiny_kernel.S -o tiny_kernel.o
 *   python -m ziglang ld.lld --image-base=0xff000 -Ttext=0x100000 -e _start tiny_kernel.o -o tiny_kernel
 *   ringscope run --kernel tiny_kernel
 *
 * gdb takes the machine for what its file says unless told otherwise, and this file is for a 32-bit processor:
 *
 *   ringscope serve --kernel tiny_kernel
 *   gdb -ex 'file tiny_kernel' -ex 'set architecture i386:x86-64' -ex 'target remote :1234' -ex 'break hello'
 *
 * The loader enters _start in 32-bit protected mode, paging off, EAX 0x2badb002, EBX at the Multiboot information.
 */
	.set	MAGIC, 0x1badb002
	.set	FLAGS, 0
	.set	COM1, 0x3f8
	.set	LINE_STATUS, COM1 + 5
	.set	TRANSMITTER_EMPTY, 0x20
	.set	EXIT_PORT, 0xf4

	.text
	.balign	4
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.globl	_start
_start:
	cmpl	$0x2badb002, %eax
	jne	leave
	movl	$message, %esi

	.globl	hello
hello:
	movw	$LINE_STATUS, %dx
1:	inb	%dx, %al
	testb	$TRANSMITTER_EMPTY, %al
	jz	1b
	lodsb
	testb	%al, %al
	jz	leave
	movw	$COM1, %dx
	outb	%al, %dx
	jmp	hello

leave:
	xorl	%eax, %eax
	movw	$EXIT_PORT, %dx
	outl	%eax, %dx
	cli
	hlt

message:
	.asciz	"hello from ring 0\n"
