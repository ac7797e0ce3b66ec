/* The packed kernel rides along: a legacy LZ4 frame, its unpacked size behind (Linux: compressed/mkpiggy.c). */
	.section .rodata..compressed, "a"
	.globl	input_data, input_data_end
input_data:
	.incbin	"vmlinux.bin.lz4"
input_data_end:
