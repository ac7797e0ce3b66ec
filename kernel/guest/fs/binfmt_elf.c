/* Static 64-bit ELF programs. Nothing in the file is believed before it was checked against the file's size. */
#include <asm/uaccess.h>
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/sched.h>
#include <linux/string.h>

#define ELF_MAX_PHNUM (PAGE_SIZE / sizeof(struct elf64_phdr))

/* Where a program's parts came to lie, for mm_struct and the auxiliary vector. */
struct elf_layout {
	unsigned long phdr_addr;
	unsigned long start_code, end_code, start_data, end_data, end_brk;
};

static bool elf_header_is_ours(const struct elf64_hdr *ex)
{
	return !memcmp(ex->e_ident, ELFMAG, SELFMAG) && ex->e_ident[EI_CLASS] == ELFCLASS64 &&
	       ex->e_ident[EI_DATA] == ELFDATA2LSB && ex->e_ident[EI_VERSION] == EV_CURRENT &&
	       ex->e_type == ET_EXEC && ex->e_machine == EM_X86_64 && ex->e_version == EV_CURRENT &&
	       ex->e_phentsize == sizeof(struct elf64_phdr) &&
	       ex->e_phnum >= 1 && ex->e_phnum <= ELF_MAX_PHNUM && ex->e_entry < TASK_SIZE;
}

/* A page with the program headers, to be freed with free_page, or ERR_PTR. */
static struct elf64_phdr *load_elf_phdrs(const struct elf64_hdr *ex, struct file *file)
{
	ssize_t size = ex->e_phnum * sizeof(struct elf64_phdr);
	struct elf64_phdr *phdrs = get_zeroed_page();
	ssize_t n;

	if (!phdrs)
		return ERR_PTR(-ENOMEM);
	n = ex->e_phoff > file->f_inode->i_size ? -ENOEXEC : kernel_read(file, phdrs, size, ex->e_phoff);
	if (n == size)
		return phdrs;
	free_page(phdrs);
	return ERR_PTR(-ENOEXEC);
}

/* Does the segment lie in the file, in the user's half, and at the same place in a page of both? */
static bool segment_is_sound(const struct elf64_phdr *ph, size_t file_size)
{
	return ph->p_filesz <= ph->p_memsz && ph->p_memsz &&
	       ph->p_offset <= file_size && ph->p_filesz <= file_size - ph->p_offset &&
	       ph->p_vaddr >= MMAP_MIN_ADDR && ph->p_vaddr < TASK_SIZE &&
	       ph->p_memsz <= STACK_TOP - STACK_RLIMIT - PMD_SIZE &&
	       ph->p_vaddr <= STACK_TOP - STACK_RLIMIT - PMD_SIZE - ph->p_memsz &&
	       ph->p_memsz <= memblock_phys_mem_size() &&
	       offset_in_page(ph->p_vaddr) == offset_in_page(ph->p_offset);
}

/* Are there loadable segments, all sound, in ascending order, and no two on one page? */
static bool segments_are_sound(const struct elf64_hdr *ex, const struct elf64_phdr *phdrs, size_t file_size)
{
	unsigned long last_end = 0;
	int i;

	for (i = 0; i < ex->e_phnum; i++) {
		const struct elf64_phdr *ph = &phdrs[i];

		if (ph->p_type == PT_INTERP)
			return false;
		if (ph->p_type != PT_LOAD)
			continue;
		if (!segment_is_sound(ph, file_size) || (ph->p_vaddr & PAGE_MASK) < last_end)
			return false;
		last_end = PAGE_ALIGN(ph->p_vaddr + ph->p_memsz);
	}
	return last_end;
}

static unsigned long vm_flags_of(const struct elf64_phdr *ph)
{
	return (ph->p_flags & PF_R ? VM_READ : 0) | (ph->p_flags & PF_W ? VM_WRITE : 0) |
	       (ph->p_flags & PF_X ? VM_EXEC : 0);
}

/*
 * Map a segment and copy its bytes at once: the first instruction in ring 3 finds its page. What the file does
 * not fill is zero; its pages come when they are touched.
 */
static int elf_map(struct file *file, const struct elf64_phdr *ph)
{
	unsigned long start = ph->p_vaddr & PAGE_MASK, end = PAGE_ALIGN(ph->p_vaddr + ph->p_memsz);
	unsigned long va = ph->p_vaddr, left = ph->p_filesz;
	struct vm_area_struct *vma = insert_vm_area(current->mm, start, end, vm_flags_of(ph), file);

	if (!vma)
		return -ENOMEM;
	while (left) {
		unsigned long chunk = min(left, PAGE_SIZE - offset_in_page(va));
		char *page = install_page(current->mm, vma, va & PAGE_MASK);

		if (!page)
			return -ENOMEM;
		kernel_read(file, page + offset_in_page(va), chunk, ph->p_offset + (va - ph->p_vaddr));
		va += chunk;
		left -= chunk;
	}
	return 0;
}

/* Widen the layout by a loaded segment. */
static void note_segment(struct elf_layout *layout, const struct elf64_hdr *ex, const struct elf64_phdr *ph)
{
	unsigned long file_end = ph->p_vaddr + ph->p_filesz;

	if (ex->e_phoff >= ph->p_offset && ex->e_phoff < ph->p_offset + ph->p_filesz)
		layout->phdr_addr = ex->e_phoff - ph->p_offset + ph->p_vaddr;
	if (ph->p_flags & PF_X) {
		layout->start_code = layout->start_code ? layout->start_code : ph->p_vaddr;
		layout->end_code = file_end;
	} else {
		layout->start_data = ph->p_vaddr;
		layout->end_data = file_end;
	}
	layout->end_brk = PAGE_ALIGN(ph->p_vaddr + ph->p_memsz);
}

static int map_segments(struct linux_binprm *bprm, const struct elf64_hdr *ex,
			const struct elf64_phdr *phdrs, struct elf_layout *layout)
{
	int i, err = 0;

	for (i = 0; i < ex->e_phnum && !err; i++) {
		if (phdrs[i].p_type != PT_LOAD)
			continue;
		err = elf_map(bprm->file, &phdrs[i]);
		note_segment(layout, ex, &phdrs[i]);
	}
	return err;
}

/* Copy to the new stack below *sp; false on failure. */
static bool push(unsigned long *sp, const void *data, size_t size)
{
	*sp -= size;
	return !copy_to_user((void __user *)*sp, data, size);
}

/* Push the addresses of n strings that follow each other from *p on, and a NULL; *p moves past them. */
static bool push_string_array(unsigned long *slot, unsigned long *p, int n)
{
	unsigned long null = 0;
	char c;

	while (n-- > 0) {
		if (copy_to_user((void __user *)*slot, p, sizeof(*p)))
			return false;
		*slot += sizeof(*p);
		do {
			if (copy_from_user(&c, (const void __user *)(*p)++, 1))
				return false;
		} while (c);
	}
	if (copy_to_user((void __user *)*slot, &null, sizeof(null)))
		return false;
	*slot += sizeof(null);
	return true;
}

static const char elf_platform[] = "x86_64";

/* There is no randomness in this machine: a run is to be repeatable. */
static const u8 fixed_random_bytes[16] = { 0x72, 0x69, 0x6e, 0x67, 0x73, 0x63, 0x6f, 0x70, 0x65 };

/*
 * The stack as a new program finds it (System V psABI, AMD64 supplement 3.4.1): argc, argv, envp and the
 * auxiliary vector, below the strings that copy_arguments pushed. Its lowest address is the first RSP.
 */
static int create_elf_tables(struct linux_binprm *bprm, const struct elf64_hdr *ex,
			     const struct elf_layout *layout, unsigned long *new_sp)
{
	struct mm_struct *mm = current->mm;
	unsigned long sp = bprm->p, p = bprm->p, argc = bprm->argc, slot;
	unsigned long platform, random;

	sp = ALIGN_DOWN(sp, 16UL);
	if (!push(&sp, elf_platform, sizeof(elf_platform)))
		return -EFAULT;
	platform = sp;
	if (!push(&sp, fixed_random_bytes, sizeof(fixed_random_bytes)))
		return -EFAULT;
	random = sp;

	unsigned long auxv[][2] = {
		{ AT_PAGESZ, PAGE_SIZE }, { AT_CLKTCK, 100 }, { AT_PHDR, layout->phdr_addr },
		{ AT_PHENT, sizeof(struct elf64_phdr) }, { AT_PHNUM, ex->e_phnum }, { AT_BASE, 0 },
		{ AT_FLAGS, 0 }, { AT_ENTRY, ex->e_entry }, { AT_UID, 0 }, { AT_EUID, 0 }, { AT_GID, 0 },
		{ AT_EGID, 0 }, { AT_SECURE, 0 }, { AT_RANDOM, random }, { AT_EXECFN, bprm->exec },
		{ AT_PLATFORM, platform }, { AT_NULL, 0 },
	};

	sp -= sizeof(auxv) + (1 + argc + 1 + bprm->envc + 1) * sizeof(unsigned long);
	sp = ALIGN_DOWN(sp, 16UL);
	*new_sp = slot = sp;
	if (copy_to_user((void __user *)slot, &argc, sizeof(argc)))
		return -EFAULT;
	slot += sizeof(argc);
	mm->arg_start = p;
	if (!push_string_array(&slot, &p, bprm->argc))
		return -EFAULT;
	mm->arg_end = mm->env_start = p;
	if (!push_string_array(&slot, &p, bprm->envc))
		return -EFAULT;
	mm->env_end = p;
	return copy_to_user((void __user *)slot, auxv, sizeof(auxv)) ? -EFAULT : 0;
}

static void describe_mm(struct mm_struct *mm, const struct elf_layout *layout, unsigned long stack)
{
	mm->start_code = layout->start_code;
	mm->end_code = layout->end_code;
	mm->start_data = layout->start_data;
	mm->end_data = layout->end_data;
	mm->start_brk = mm->brk = layout->end_brk;
	mm->start_stack = stack;
}

/* A new program has nothing of the old one in its registers. */
static void elf_plat_init(struct pt_regs *regs)
{
	regs->r15 = regs->r14 = regs->r13 = regs->r12 = regs->bp = regs->bx = 0;
	regs->r11 = regs->r10 = regs->r9 = regs->r8 = regs->ax = 0;
	regs->cx = regs->dx = regs->si = regs->di = 0;
}

/* Past all checks: replace the program. An error from here on costs the task its life. */
static int begin_new_program(struct linux_binprm *bprm, const struct elf64_hdr *ex,
			     const struct elf64_phdr *phdrs, unsigned long *new_sp)
{
	struct elf_layout layout = { 0 };
	int retval = flush_old_exec(bprm);

	if (!retval)
		retval = setup_arg_pages(bprm);
	if (!retval)
		retval = map_segments(bprm, ex, phdrs, &layout);
	if (!retval)
		retval = create_elf_tables(bprm, ex, &layout, new_sp);
	describe_mm(current->mm, &layout, *new_sp);
	return retval;
}

static noinline int load_elf_binary(struct linux_binprm *bprm, struct pt_regs *regs)
{
	struct elf64_hdr ex;
	struct elf64_phdr *phdrs;
	unsigned long new_sp = 0;
	int retval;

	memcpy(&ex, bprm->buf, sizeof(ex));
	if (!elf_header_is_ours(&ex))
		return -ENOEXEC;
	phdrs = load_elf_phdrs(&ex, bprm->file);
	if (IS_ERR(phdrs))
		return PTR_ERR(phdrs);
	if (segments_are_sound(&ex, phdrs, bprm->file->f_inode->i_size))
		retval = begin_new_program(bprm, &ex, phdrs, &new_sp);
	else
		retval = -ENOEXEC;
	free_page(phdrs);
	if (retval)
		return retval;

	start_thread(regs, ex.e_entry, new_sp);
	elf_plat_init(regs);
	return 0;
}

static struct linux_binfmt elf_format = {
	.load_binary = load_elf_binary,
};

static int __init init_elf_binfmt(void)
{
	register_binfmt(&elf_format);
	return 0;
}
core_initcall(init_elf_binfmt);
