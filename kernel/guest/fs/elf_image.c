/* ELF headers, read and checked before anything is given up for them. Nothing in the file is believed. */
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/string.h>

#define ELF_MAX_PHNUM (PAGE_SIZE / sizeof(struct elf64_phdr))

/* Bytes of the file, all of them or -ENOEXEC. */
static int elf_read(struct file *file, void *buf, size_t len, u64 pos)
{
	if (pos > (u64)file->f_inode->i_size)
		return -ENOEXEC;
	return kernel_read(file, buf, len, pos) == (ssize_t)len ? 0 : -ENOEXEC;
}

static void widen_header(struct elf64_hdr *ex, const struct elf32_hdr *narrow)
{
	*ex = (struct elf64_hdr) {
		.e_type = narrow->e_type, .e_machine = narrow->e_machine, .e_version = narrow->e_version,
		.e_entry = narrow->e_entry, .e_phoff = narrow->e_phoff,
		.e_phentsize = narrow->e_phentsize, .e_phnum = narrow->e_phnum,
	};
	memcpy(ex->e_ident, narrow->e_ident, sizeof(ex->e_ident));
}

static void widen_phdr(struct elf64_phdr *ph, const struct elf32_phdr *narrow)
{
	*ph = (struct elf64_phdr) {
		.p_type = narrow->p_type, .p_flags = narrow->p_flags, .p_offset = narrow->p_offset,
		.p_vaddr = narrow->p_vaddr, .p_paddr = narrow->p_paddr, .p_filesz = narrow->p_filesz,
		.p_memsz = narrow->p_memsz, .p_align = narrow->p_align,
	};
}

static int read_header(struct elf_image *image)
{
	struct elf32_hdr narrow;
	u8 ident[16];

	if (elf_read(image->file, ident, sizeof(ident), 0) || memcmp(ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	image->compat = ident[EI_CLASS] == ELFCLASS32;
	if (!image->compat)
		return elf_read(image->file, &image->ex, sizeof(image->ex), 0);
	if (elf_read(image->file, &narrow, sizeof(narrow), 0))
		return -ENOEXEC;
	widen_header(&image->ex, &narrow);
	return 0;
}

/* Linux: elf_check_arch, and compat_elf_check_arch for a 32-bit file. */
static bool header_is_ours(const struct elf_image *image)
{
	const struct elf64_hdr *ex = &image->ex;
	size_t phentsize = image->compat ? sizeof(struct elf32_phdr) : sizeof(struct elf64_phdr);

	return ex->e_ident[EI_CLASS] == (image->compat ? ELFCLASS32 : ELFCLASS64) &&
	       ex->e_ident[EI_DATA] == ELFDATA2LSB && ex->e_ident[EI_VERSION] == EV_CURRENT &&
	       (ex->e_type == ET_EXEC || ex->e_type == ET_DYN) &&
	       ex->e_machine == (image->compat ? EM_386 : EM_X86_64) && ex->e_version == EV_CURRENT &&
	       ex->e_phentsize == phentsize && ex->e_phnum >= 1 && ex->e_phnum <= ELF_MAX_PHNUM &&
	       ex->e_entry < TASK_SIZE;
}

static noinline int load_elf_phdrs(struct elf_image *image)
{
	const struct elf64_hdr *ex = &image->ex;
	struct elf32_phdr narrow;
	int i;

	image->phdrs = get_zeroed_page();
	if (!image->phdrs)
		return -ENOMEM;
	if (!image->compat)
		return elf_read(image->file, image->phdrs, ex->e_phnum * sizeof(struct elf64_phdr), ex->e_phoff);
	for (i = 0; i < ex->e_phnum; i++) {
		if (elf_read(image->file, &narrow, sizeof(narrow), ex->e_phoff + i * sizeof(narrow)))
			return -ENOEXEC;
		widen_phdr(&image->phdrs[i], &narrow);
	}
	return 0;
}

/* The headers of an ELF file for this processor; -ENOEXEC if it is none. elf_free_image in every case. */
int elf_read_image(struct elf_image *image, struct file *file)
{
	int retval;

	image->file = file;
	retval = read_header(image);
	if (retval || !header_is_ours(image))
		return -ENOEXEC;
	return load_elf_phdrs(image);
}

void elf_free_image(struct elf_image *image)
{
	if (image->phdrs)
		free_page(image->phdrs);
}

/* Below the largest stack and its guard; below 4 GiB for 32 bits. */
static unsigned long highest_address(const struct elf_image *image)
{
	return (image->compat ? IA32_STACK_TOP : STACK_TOP) - STACK_RLIMIT - PMD_SIZE;
}

/* Does the segment lie in the file, in the user's half, and at the same place in a page of both? */
static bool segment_is_sound(const struct elf_image *image, const struct elf64_phdr *ph)
{
	unsigned long lowest = image->ex.e_type == ET_EXEC ? MMAP_MIN_ADDR : 0, highest = highest_address(image);
	size_t file_size = image->file->f_inode->i_size;

	return ph->p_filesz <= ph->p_memsz && ph->p_memsz &&
	       ph->p_offset <= file_size && ph->p_filesz <= file_size - ph->p_offset &&
	       ph->p_vaddr >= lowest && ph->p_vaddr < TASK_SIZE &&
	       ph->p_memsz <= highest && ph->p_vaddr <= highest - ph->p_memsz &&
	       ph->p_memsz <= memblock_phys_mem_size() &&
	       offset_in_page(ph->p_vaddr) == offset_in_page(ph->p_offset);
}

/* Are there loadable segments, all sound, in ascending order, and no two on one page? */
bool elf_is_sound(const struct elf_image *image)
{
	unsigned long last_end = 0;
	int i;

	for (i = 0; i < image->ex.e_phnum; i++) {
		const struct elf64_phdr *ph = &image->phdrs[i];

		if (ph->p_type != PT_LOAD)
			continue;
		if (!segment_is_sound(image, ph) || (ph->p_vaddr & PAGE_MASK) < last_end)
			return false;
		last_end = PAGE_ALIGN(ph->p_vaddr + ph->p_memsz);
	}
	return last_end;
}

/* Bytes from the first segment's page to the last one's end (Linux: total_mapping_size). */
unsigned long elf_total_size(const struct elf_image *image)
{
	unsigned long start = 0, end = 0;
	int i;

	for (i = 0; i < image->ex.e_phnum; i++) {
		const struct elf64_phdr *ph = &image->phdrs[i];

		if (ph->p_type != PT_LOAD)
			continue;
		if (!end)
			start = ph->p_vaddr & PAGE_MASK;
		end = PAGE_ALIGN(ph->p_vaddr + ph->p_memsz);
	}
	return end - start;
}
