/*
 * ELF programs: static or with an interpreter, where they are linked or where there is room, of 64 bits or of 32.
 * Linux: fs/binfmt_elf.c, which a second time, under other names, is the loader for 32 bits.
 */
#include <asm/uaccess.h>
#include <asm/vdso.h>
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/init.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>

static unsigned long vm_flags_of(const struct elf64_phdr *ph)
{
	return (ph->p_flags & PF_R ? VM_READ : 0) | (ph->p_flags & PF_W ? VM_WRITE : 0) |
	       (ph->p_flags & PF_X ? VM_EXEC : 0);
}

/*
 * Map a segment: what the file has of it is the file's own pages, which come when they are touched and are copied
 * when they are written to; what it has not is zeros. A file ends within a page: the rest of that is made zero now.
 */
static noinline int elf_map(const struct elf_image *image, const struct elf64_phdr *ph)
{
	unsigned long va = image->load_bias + ph->p_vaddr, file_end = va + ph->p_filesz;
	unsigned long start = va & PAGE_MASK, zeros = PAGE_ALIGN(file_end), end = PAGE_ALIGN(va + ph->p_memsz);
	unsigned long prot = vm_flags_of(ph);
	long ret = 0;

	if (!ph->p_filesz)
		zeros = start;
	else
		ret = do_mmap(image->file, start, zeros - start, prot, MAP_PRIVATE | MAP_FIXED, ph->p_offset >> PAGE_SHIFT);
	if (!IS_ERR(ret) && end > zeros)
		ret = do_mmap(NULL, zeros, end - zeros, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, 0);
	if (IS_ERR(ret))
		return ret;
	if (ph->p_filesz && ph->p_memsz > ph->p_filesz && (prot & VM_WRITE) &&
	    clear_user((void __user *)file_end, zeros - file_end))
		return -EFAULT;
	return 0;
}

/* Widen what mm_struct tells of the program by a loaded segment. */
static void note_segment(struct elf_image *image, const struct elf64_phdr *ph, struct mm_struct *mm)
{
	unsigned long start = image->load_bias + ph->p_vaddr, file_end = start + ph->p_filesz;
	u64 phoff = image->ex.e_phoff;

	if (phoff >= ph->p_offset && phoff < ph->p_offset + ph->p_filesz)
		image->phdr_addr = phoff - ph->p_offset + start;
	if (ph->p_flags & PF_X) {
		mm->start_code = mm->start_code ? mm->start_code : start;
		mm->end_code = file_end;
	} else {
		mm->start_data = start;
		mm->end_data = file_end;
	}
	mm->start_brk = mm->brk = PAGE_ALIGN(start + ph->p_memsz);
}

/* Linux lets each segment find its place by the first one's; here all are known to fit before. */
static int map_segments(struct elf_image *image, struct mm_struct *noted)
{
	int i, err = 0;

	for (i = 0; i < image->ex.e_phnum && !err; i++) {
		if (image->phdrs[i].p_type != PT_LOAD)
			continue;
		err = elf_map(image, &image->phdrs[i]);
		if (noted)
			note_segment(image, &image->phdrs[i], noted);
	}
	return err;
}

/* The page of an image's first segment, as linked. */
static unsigned long first_page(const struct elf_image *image)
{
	int i = 0;

	while (image->phdrs[i].p_type != PT_LOAD)
		i++;
	return image->phdrs[i].p_vaddr & PAGE_MASK;
}

static unsigned long maximum_alignment(const struct elf_image *image)
{
	unsigned long alignment = PAGE_SIZE;
	int i;

	for (i = 0; i < image->ex.e_phnum; i++) {
		unsigned long p_align = image->phdrs[i].p_align;

		if (image->phdrs[i].p_type == PT_LOAD && p_align <= PMD_SIZE && !(p_align & (p_align - 1)))
			alignment = max(alignment, p_align);
	}
	return alignment;
}

/*
 * Where an ET_DYN goes. A program with an interpreter: to ELF_ET_DYN_BASE, far from what mmap gives, and a random
 * way further. An interpreter, or a program without one: anywhere, as if mmap had been asked.
 */
static int choose_load_bias(struct elf_image *image, bool has_interpreter)
{
	unsigned long start;

	if (image->ex.e_type == ET_EXEC)
		return 0;
	if (has_interpreter) {
		start = (image->compat ? IA32_ELF_ET_DYN_BASE : ELF_ET_DYN_BASE) + arch_mmap_rnd(image->compat);
		start = ALIGN_DOWN(start, maximum_alignment(image));
	} else {
		start = get_unmapped_area(current->mm, elf_total_size(image));
		if (!start)
			return -ENOMEM;
	}
	image->load_bias = start - first_page(image);
	return 0;
}

/* The second file of a dynamic program: the one that will find all the others (ld.so). */
static noinline int load_elf_interp(struct elf_image *interp)
{
	int err = choose_load_bias(interp, false);

	return err ? err : map_segments(interp, NULL);
}

/* PT_GNU_STACK says what the stack may be; a program without one is old, and old ones execute there. */
static unsigned long stack_vm_exec(const struct elf_image *exec)
{
	int i;

	for (i = 0; i < exec->ex.e_phnum; i++)
		if (exec->phdrs[i].p_type == PT_GNU_STACK)
			return exec->phdrs[i].p_flags & PF_X ? VM_EXEC : 0;
	return exec->compat ? VM_EXEC : 0;
}

/* The path in PT_INTERP, a new allocation; NULL if there is none. */
static char *elf_interpreter_path(const struct elf_image *exec)
{
	const struct elf64_phdr *ph = exec->phdrs, *end = ph + exec->ex.e_phnum;
	char *path;

	while (ph < end && ph->p_type != PT_INTERP)
		ph++;
	if (ph == end)
		return NULL;
	if (ph->p_filesz < 2 || ph->p_filesz > PATH_MAX || ph->p_offset > (u64)exec->file->f_inode->i_size)
		return ERR_PTR(-ENOEXEC);
	path = kzalloc(ph->p_filesz);
	if (!path)
		return ERR_PTR(-ENOMEM);
	if (kernel_read(exec->file, path, ph->p_filesz, ph->p_offset) == (ssize_t)ph->p_filesz &&
	    !path[ph->p_filesz - 1])
		return path;
	kfree(path);
	return ERR_PTR(-ENOEXEC);
}

/* Open and check the interpreter, if the program names one: 0 with interp->file NULL if not. */
static noinline int open_elf_interpreter(const struct elf_image *exec, struct elf_image *interp)
{
	char *path = elf_interpreter_path(exec);
	struct file *file;
	int retval;

	if (IS_ERR(path) || !path)
		return PTR_ERR(path);
	file = open_exec(path);
	kfree(path);
	if (IS_ERR(file))
		return PTR_ERR(file);
	retval = elf_read_image(interp, file);
	if (retval == -ENOEXEC || (!retval && (!elf_is_sound(interp) || interp->compat != exec->compat)))
		return -ELIBBAD;
	return retval;
}

/* The heap of a program that lies where mmap gives must not be walled in by what mmap gives next. */
static void place_brk(struct mm_struct *mm, const struct elf_image *exec, bool has_interpreter)
{
	if (exec->ex.e_type == ET_DYN && !has_interpreter)
		mm->start_brk = mm->brk = exec->compat ? IA32_ELF_ET_DYN_BASE : ELF_ET_DYN_BASE;
	mm->start_brk = mm->brk = arch_randomize_brk(mm->brk);
}

/*
 * A new program has nothing of the old one in its registers. Linux does this before start_thread; after it, a
 * debugger at start_thread can still walk through the frame to whoever called execve in ring 0.
 */
static void elf_plat_init(struct pt_regs *regs)
{
	regs->r15 = regs->r14 = regs->r13 = regs->r12 = regs->bp = regs->bx = 0;
	regs->r11 = regs->r10 = regs->r9 = regs->r8 = regs->ax = 0;
	regs->cx = regs->dx = regs->si = regs->di = 0;
}

/* What is left of the old program's ways, and of a user's wishes, for the new one. */
static void set_personality(const struct elf_image *exec)
{
	if (!exec->compat)
		current->personality &= ~READ_IMPLIES_EXEC;
	current->flags &= ~PF_RANDOMIZE;
	if (randomize_va_space() && !(current->personality & ADDR_NO_RANDOMIZE))
		current->flags |= PF_RANDOMIZE;
}

/* Programs of System V Release 4 read through null pointers and found zeros there. */
static noinline void map_page_zero(void)
{
	do_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

/* Past all checks: replace the program. An error from here on costs the task its life. */
static int load_elf_images(struct linux_binprm *bprm, struct elf_image *exec, struct elf_image *interp)
{
	struct mm_struct *mm;
	int retval = begin_new_exec(bprm);

	if (retval)
		return retval;
	mm = current->mm;
	set_personality(exec);
	arch_pick_mmap_layout(mm, exec->compat);
	retval = setup_arg_pages(bprm, randomize_stack_top(exec->compat), stack_vm_exec(exec));
	if (!retval)
		retval = choose_load_bias(exec, interp->file);
	if (!retval)
		retval = map_segments(exec, mm);
	if (!retval)
		place_brk(mm, exec, interp->file);
	if (!retval && interp->file)
		retval = load_elf_interp(interp);
	if (!retval)
		retval = arch_setup_additional_pages(mm, exec->compat);
	if (!retval && (current->personality & MMAP_PAGE_ZERO))
		map_page_zero();
	return retval ? retval : create_elf_tables(bprm, exec, interp);
}

static noinline int load_elf_binary(struct linux_binprm *bprm)
{
	struct elf_image exec = { 0 }, interp = { 0 };
	struct pt_regs *regs = current_pt_regs();
	unsigned long elf_entry;
	int retval = elf_read_image(&exec, bprm->file);

	if (!retval && !elf_is_sound(&exec))
		retval = -ENOEXEC;
	if (!retval)
		retval = open_elf_interpreter(&exec, &interp);
	if (!retval)
		retval = load_elf_images(bprm, &exec, &interp);
	elf_free_image(&exec);
	elf_free_image(&interp);
	if (interp.file)
		fput(interp.file);
	if (retval)
		return retval;

	elf_entry = interp.file ? interp.load_bias + interp.ex.e_entry : exec.load_bias + exec.ex.e_entry;
	/* Linux leaves this page to a fault like all others; here who steps over the IRETQ sees an instruction. */
	mm_populate(elf_entry & PAGE_MASK, PAGE_SIZE);
	if (exec.compat)
		compat_start_thread(regs, elf_entry, current->mm->start_stack);
	else
		start_thread(regs, elf_entry, current->mm->start_stack);
	elf_plat_init(regs);
	return 0;
}

static struct linux_binfmt elf_format = {
	.name = "elf",
	.load_binary = load_elf_binary,
};

static int __init init_elf_binfmt(void)
{
	register_binfmt(&elf_format);
	return 0;
}
core_initcall(init_elf_binfmt);
