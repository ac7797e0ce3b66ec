/*
 * /proc/PID/smaps: what the page tables say of each area, in figures, and clear_refs, which makes the processor say it
 * anew (Linux: fs/proc/task_mmu.c). What is "referenced" and what is "dirty" is known by two bits of an entry, which
 * the processor sets when it uses the entry and nobody but software clears (SDM 3A 4.8).
 */
#include <asm/tlbflush.h>
#include <asm/uaccess.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/swap.h>
#include "internal.h"

#define PSS_SHIFT 12			/* proportional figures: bytes times that many, so that thirds add up */

struct mem_size_stats {
	unsigned long resident;
	unsigned long shared_clean, shared_dirty;
	unsigned long private_clean, private_dirty;
	unsigned long referenced;
	unsigned long anonymous;
	unsigned long swap;
	u64 pss, pss_dirty, swap_pss;
};

/* A page that N entries map is an Nth part each one's. */
static void smaps_account(struct mem_size_stats *mss, const struct page *page, pte_t pte)
{
	bool dirty = pte_dirty(pte) || page_test(page, PG_dirty);
	u64 pss = ((u64)PAGE_SIZE << PSS_SHIFT) / page_mapcount(page);

	mss->resident += PAGE_SIZE;
	mss->referenced += pte_young(pte) ? PAGE_SIZE : 0;
	mss->anonymous += page_test(page, PG_swapbacked) && !page->mapping ? PAGE_SIZE : 0;
	mss->pss += pss;
	mss->pss_dirty += dirty ? pss : 0;
	if (page_mapcount(page) > 1)
		*(dirty ? &mss->shared_dirty : &mss->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &mss->private_dirty : &mss->private_clean) += PAGE_SIZE;
}

static void smaps_pte_entry(struct mem_size_stats *mss, pte_t pte)
{
	const struct page *page;

	if (is_swap_pte(pte)) {
		mss->swap += PAGE_SIZE;
		mss->swap_pss += ((u64)PAGE_SIZE << PSS_SHIFT) / swap_count(pte_to_swp_entry(pte));
		return;
	}
	page = vm_normal_page(pte);
	if (page)
		smaps_account(mss, page, pte);
}

static noinline void smap_gather_stats(const struct vm_area_struct *vma, struct mem_size_stats *mss)
{
	unsigned long va = vma->vm_start;
	pte_t *pte;

	for (; (pte = next_pte(vma->vm_mm->pgd, &va, vma->vm_end)); va += PAGE_SIZE)
		smaps_pte_entry(mss, *pte);
}

static void show_kib(struct seq_file *m, const char *name, unsigned long bytes)
{
	seq_printf(m, "%-16s%8lu kB\n", name, bytes >> 10);
}

static void show_smap(struct seq_file *m, const struct mem_size_stats *mss)
{
	show_kib(m, "Rss:", mss->resident);
	show_kib(m, "Pss:", mss->pss >> PSS_SHIFT);
	show_kib(m, "Pss_Dirty:", mss->pss_dirty >> PSS_SHIFT);
	show_kib(m, "Shared_Clean:", mss->shared_clean);
	show_kib(m, "Shared_Dirty:", mss->shared_dirty);
	show_kib(m, "Private_Clean:", mss->private_clean);
	show_kib(m, "Private_Dirty:", mss->private_dirty);
	show_kib(m, "Referenced:", mss->referenced);
	show_kib(m, "Anonymous:", mss->anonymous);
	show_kib(m, "Swap:", mss->swap);
	show_kib(m, "SwapPss:", mss->swap_pss >> PSS_SHIFT);
}

static void show_smap_vma_flags(struct seq_file *m, const struct vm_area_struct *vma)
{
	static const struct {
		unsigned long flag;
		char mnemonic[4];
	} mnemonics[] = {
		{ VM_READ, "rd" }, { VM_WRITE, "wr" }, { VM_EXEC, "ex" }, { VM_SHARED, "sh" }, { VM_MAYREAD, "mr" },
		{ VM_MAYWRITE, "mw" }, { VM_MAYEXEC, "me" }, { VM_MAYSHARE, "ms" }, { VM_GROWSDOWN, "gd" },
	};
	size_t i;

	seq_puts(m, "VmFlags: ");
	for (i = 0; i < ARRAY_SIZE(mnemonics); i++)
		if (vma->vm_flags & mnemonics[i].flag)
			seq_printf(m, "%s ", mnemonics[i].mnemonic);
	seq_puts(m, "\n");
}

int proc_pid_smaps(struct seq_file *m, struct task_struct *task)
{
	const struct vm_area_struct *vma;

	if (!task->mm)
		return 0;
	list_for_each_entry(vma, &task->mm->mmap, vm_list) {
		struct mem_size_stats mss = { 0 };

		smap_gather_stats(vma, &mss);
		show_map_vma(m, task->mm, vma);
		show_kib(m, "Size:", vma->vm_end - vma->vm_start);
		show_kib(m, "KernelPageSize:", PAGE_SIZE);
		show_kib(m, "MMUPageSize:", PAGE_SIZE);
		show_smap(m, &mss);
		show_smap_vma_flags(m, vma);
	}
	return 0;
}

/* The sum of all areas, under a line from the first one's beginning to the last one's end. */
int proc_pid_smaps_rollup(struct seq_file *m, struct task_struct *task)
{
	struct mem_size_stats mss = { 0 };
	const struct vm_area_struct *vma;
	unsigned long start = 0, end = 0;

	if (!task->mm)
		return -ESRCH;
	list_for_each_entry(vma, &task->mm->mmap, vm_list) {
		start = start ? start : vma->vm_start;
		end = vma->vm_end;
		smap_gather_stats(vma, &mss);
	}
	seq_printf(m, "%08lx-%08lx ---p 00000000 00:00 0                          [rollup]\n", start, end);
	show_smap(m, &mss);
	return 0;
}

enum clear_refs_types { CLEAR_REFS_ALL = 1, CLEAR_REFS_ANON, CLEAR_REFS_MAPPED };

static noinline void clear_refs_vma(struct vm_area_struct *vma)
{
	unsigned long va = vma->vm_start;
	pte_t *pte;

	for (; (pte = next_pte(vma->vm_mm->pgd, &va, vma->vm_end)); va += PAGE_SIZE)
		if (pte_present(*pte))
			pte_clear_bits(pte, _PAGE_ACCESSED);
}

/* No entry was used since: 1 for all pages, 2 for those without a file, 3 for those of files. */
ssize_t proc_pid_clear_refs(struct task_struct *task, const char __user *buf, size_t count)
{
	struct vm_area_struct *vma;
	char text[8] = { 0 };
	long type;

	if (copy_from_user(text, buf, min(count, sizeof(text) - 1)))
		return -EFAULT;
	type = simple_strtol(text, NULL);
	if (type < CLEAR_REFS_ALL || type > CLEAR_REFS_MAPPED)
		return -EINVAL;
	if (!task->mm)
		return count;
	list_for_each_entry(vma, &task->mm->mmap, vm_list)
		if (type == CLEAR_REFS_ALL || (type == CLEAR_REFS_ANON) == !vma->vm_file)
			clear_refs_vma(vma);
	/* What the processor remembers of an entry it does not look up again, so it would not set the bit. */
	flush_tlb_mm(task->mm);
	return count;
}
