/* /proc/PID/maps, and the memory of other tasks that /proc tells of (Linux: fs/proc/task_mmu.c, base.c). */
#include <asm/page.h>
#include <asm/vdso.h>
#include <linux/mm.h>
#include <linux/string.h>
#include "internal.h"

/* Leave room to the column where names begin. */
static void pad_to_name(struct seq_file *m, loff_t line_start)
{
	do {
		seq_puts(m, " ");
	} while (m->position - line_start < 73);
}

static const char *area_name(const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	if (mm->vdso && vma->vm_start == mm->vdso)
		return "[vdso]";
	if (mm->vdso && vma->vm_end == mm->vdso && !(vma->vm_flags & VM_WRITE))
		return "[vvar]";
	if (vma->vm_start <= mm->brk && vma->vm_end >= mm->start_brk && mm->brk != mm->start_brk)
		return "[heap]";
	return vma->vm_start <= mm->start_stack && vma->vm_end >= mm->start_stack ? "[stack]" : NULL;
}

static void show_name(struct seq_file *m, const struct mm_struct *mm, const struct vm_area_struct *vma,
		      loff_t line_start)
{
	const char *name = area_name(mm, vma);
	char *page = vma->vm_file ? get_zeroed_page() : NULL;

	if (page) {
		char *path = d_path(vma->vm_file->f_path.dentry, page, PATH_MAX);

		name = IS_ERR(path) ? NULL : path;
	}
	if (name) {
		pad_to_name(m, line_start);
		seq_puts(m, name);
	}
	if (page)
		free_page(page);
}

/* One line an area: addresses, rights, place in the file, device, inode, name. */
void show_map_vma(struct seq_file *m, const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	const struct inode *inode = vma->vm_file ? vma->vm_file->f_inode : NULL;
	dev_t dev = inode ? inode->i_sb->s_dev : 0;
	loff_t line_start = m->position;

	seq_printf(m, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vma->vm_start, vma->vm_end,
		   vma->vm_flags & VM_READ ? 'r' : '-', vma->vm_flags & VM_WRITE ? 'w' : '-',
		   vma->vm_flags & VM_EXEC ? 'x' : '-', vma->vm_flags & VM_SHARED ? 's' : 'p',
		   inode ? vma->vm_pgoff << PAGE_SHIFT : 0, MAJOR(dev), MINOR(dev), inode ? inode->i_ino : 0);
	show_name(m, mm, vma, line_start);
	seq_puts(m, "\n");
}

/* The page of the kernel's half that a program may call: no area of its own, but told of (Linux: get_gate_vma). */
static void show_gate_vma(struct seq_file *m)
{
	loff_t line_start = m->position;

	if (vsyscall_is_none())
		return;
	seq_printf(m, "%lx-%lx --xp 00000000 00:00 0 ", VSYSCALL_ADDR, VSYSCALL_ADDR + PAGE_SIZE);
	pad_to_name(m, line_start);
	seq_puts(m, "[vsyscall]\n");
}

int proc_pid_maps(struct seq_file *m, struct task_struct *task)
{
	const struct mm_struct *mm = task->mm;
	const struct vm_area_struct *vma;

	if (!mm)
		return 0;
	list_for_each_entry(vma, &mm->mmap, vm_list)
		show_map_vma(m, mm, vma);
	show_gate_vma(m);
	return 0;
}

/* The file that a task's program is in, without a reference; NULL for a kernel thread. */
struct file *get_task_exe_file(struct task_struct *task)
{
	const struct mm_struct *mm = task->mm;
	struct vm_area_struct *vma = mm ? find_vma((struct mm_struct *)mm, mm->start_code) : NULL;

	return vma && vma->vm_start <= mm->start_code ? vma->vm_file : NULL;
}

/* The user's page at an address, brought in if need be; NULL if there is none. */
static const char *remote_page(struct mm_struct *mm, unsigned long address)
{
	struct vm_area_struct *vma = find_vma(mm, address);
	pte_t *pte;

	if (!vma || vma->vm_start > address)
		return NULL;
	while (!(pte = lookup_pte(mm->pgd, address)) || !pte_present(*pte))
		if (handle_mm_fault(vma, address, 0) & VM_FAULT_ERROR)
			return NULL;
	return pte_page_address(*pte);
}

/* A range of a task's memory, as far as it is there. The task may go while a page comes: its memory is held. */
static void seq_user(struct seq_file *m, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	mm->mm_users++;
	while (start < end) {
		unsigned long n = min(end - start, PAGE_SIZE - offset_in_page(start));
		const char *page = remote_page(mm, start & PAGE_MASK);

		if (!page)
			break;
		seq_write(m, page + offset_in_page(start), n);
		start += n;
	}
	mmput(mm);
}

int proc_pid_cmdline(struct seq_file *m, struct task_struct *task)
{
	if (task->mm)
		seq_user(m, task->mm, task->mm->arg_start, task->mm->arg_end);
	return 0;
}

int proc_pid_environ(struct seq_file *m, struct task_struct *task)
{
	if (task->mm)
		seq_user(m, task->mm, task->mm->env_start, task->mm->env_end);
	return 0;
}

int proc_pid_auxv(struct seq_file *m, struct task_struct *task)
{
	const struct mm_struct *mm = task->mm;
	size_t n = 0;

	if (!mm)
		return 0;
	while (n < AT_VECTOR_SIZE - 1 && mm->saved_auxv[n][0])
		n++;
	seq_write(m, mm->saved_auxv, (n + 1) * sizeof(mm->saved_auxv[0]));
	return 0;
}
