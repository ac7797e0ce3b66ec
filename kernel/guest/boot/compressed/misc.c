/* Unpack the kernel and put its parts where they are linked to be (Linux: arch/x86/boot/compressed/misc.c). */
#include <asm/bootparam.h>
#include <linux/elf.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "misc.h"

/* What the loader said, for a debugger to look at; the kernel gets the same pointer. */
struct boot_params *boot_params_ptr;

void __noreturn error(const char *m)
{
	__putstr("\n\n");
	__putstr(m);
	__putstr("\n\n -- System halted");
	while (1)
		asm volatile("hlt");
}

/*
 * Each segment moves from its place in the file, which lies at output, down to its own. No part of the file may be
 * overwritten before it was moved: a segment's offset in the file is never less than that in memory.
 */
static void move_segment(u8 *output, const struct elf64_phdr *phdr)
{
	u8 *dest = (u8 *)phdr->p_paddr, *from = output + phdr->p_offset;

	if (dest < output || dest > from)
		error("a segment would overwrite the file it comes from");
	memmove(dest, from, phdr->p_filesz);
}

/* Returns where the kernel is entered. */
static noinline void *parse_elf(u8 *output, size_t size)
{
	struct elf64_hdr ehdr;
	struct elf64_phdr phdrs[8];
	unsigned int i;

	memcpy(&ehdr, output, sizeof(ehdr));
	if (size < sizeof(ehdr) || memcmp(ehdr.e_ident, ELFMAG, SELFMAG))
		error("Kernel is not a valid ELF file");
	if (ehdr.e_phnum > ARRAY_SIZE(phdrs) || ehdr.e_phentsize != sizeof(phdrs[0]))
		error("Kernel has program headers that are too many or too large");
	memcpy(phdrs, output + ehdr.e_phoff, ehdr.e_phnum * sizeof(phdrs[0]));
	for (i = 0; i < ehdr.e_phnum; i++)
		if (phdrs[i].p_type == PT_LOAD)
			move_segment(output, &phdrs[i]);
	return (void *)ehdr.e_entry;
}

static size_t unpacked_size(void)
{
	u32 size;

	memcpy(&size, input_data_end - sizeof(size), sizeof(size));
	return size;
}

/* Called by startup_64 on a stack of its own, in long mode, with the first 4 GiB mapped where they lie. */
void *extract_kernel(void *rmode, u8 *output)
{
	size_t size = unpacked_size();
	void *entry;

	boot_params_ptr = rmode;
	set_boot_mark(boot_params_ptr, BOOT_MARK_DECOMPRESS);
	console_init();
	__putstr("\nDecompressing Linux... ");
	if (unlz4(input_data, input_data_end - input_data - sizeof(u32), output, size) != size)
		error("LZ4-compressed data has another length than it says");
	entry = parse_elf(output, size);
	__putstr("done.\nBooting the kernel.\n");
	set_boot_mark(boot_params_ptr, BOOT_MARK_DECOMPRESSED);
	return entry;
}
