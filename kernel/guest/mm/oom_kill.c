/*
 * Out of memory, and nothing more can be taken back: one task ends, so that the others go on. Linux: mm/oom_kill.c,
 * whose words the log has.
 */
#include <linux/cred.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>

#define K(pages) ((pages) * (PAGE_SIZE / 1024))

static unsigned long total_vm(const struct mm_struct *mm)
{
	const struct vm_area_struct *vma;
	unsigned long pages = 0;

	list_for_each_entry(vma, &mm->mmap, vm_list)
		pages += (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
	return pages;
}

/* The memory of a process, whose first thread may be gone already; NULL if all are. */
struct mm_struct *process_mm(const struct task_struct *p)
{
	struct task_struct *t;

	for_each_thread(p, t)
		if (t->mm)
			return t->mm;
	return NULL;
}

static bool oom_unkillable_task(const struct task_struct *p)
{
	return is_global_init(p) || (p->flags & PF_KTHREAD) || !process_mm(p);
}

/* How many pages its end would bring; -1 for a task that must not end, or whose end brought nothing. */
static long oom_badness(const struct task_struct *p)
{
	const struct mm_struct *mm = oom_unkillable_task(p) ? NULL : process_mm(p);

	if (!mm || (mm->flags & MMF_OOM_SKIP))
		return -1;
	return get_mm_rss(mm) + mm->rss_stat.count[MM_SWAPENTS];
}

static noinline struct task_struct *select_bad_process(void)
{
	struct task_struct *p, *chosen = NULL;

	for_each_process(p)
		if (oom_badness(p) > (chosen ? oom_badness(chosen) : 0))
			chosen = p;
	return chosen;
}

static void dump_tasks(void)
{
	struct task_struct *p;

	printk(KERN_INFO "Tasks state (memory values in pages):\n");
	printk(KERN_INFO "[  pid  ]  tgid total_vm      rss swapents oom_score_adj name\n");
	for_each_process(p) {
		const struct mm_struct *mm = oom_unkillable_task(p) ? NULL : process_mm(p);

		if (mm)
			printk(KERN_INFO "[%7d] %5d %8lu %8lu %8ld             0 %s\n", p->pid, p->tgid, total_vm(mm),
			       get_mm_rss(mm), mm->rss_stat.count[MM_SWAPENTS], p->comm);
	}
}

static void dump_header(gfp_t gfp_mask)
{
	printk(KERN_WARNING "%s invoked oom-killer: gfp_mask=%#x, order=0, oom_score_adj=0\n", current->comm, gfp_mask);
	printk(KERN_WARNING "Mem-Info:\n");
	printk(KERN_WARNING "Normal free:%lukB min:%lukB low:%lukB high:%lukB\n", K(nr_free_pages()),
	       K(min_wmark_pages()), K(low_wmark_pages()), K(high_wmark_pages()));
	printk(KERN_WARNING "Free swap  = %lukB\n", K(nr_swap_pages()));
	printk(KERN_WARNING "Total swap = %lukB\n", K(total_swap_pages()));
	printk(KERN_WARNING "%lu pages RAM\n", totalram_pages());
	dump_tasks();
}

/* The victim runs no more in ring 3: what is its alone can go at once, wherever in the kernel it sleeps. */
static noinline void oom_reap_task_mm(struct task_struct *victim)
{
	struct mm_struct *mm = process_mm(victim);
	struct vm_area_struct *vma;

	mm->flags |= MMF_UNSTABLE | MMF_OOM_SKIP;
	list_for_each_entry(vma, &mm->mmap, vm_list)
		if (!(vma->vm_flags & VM_SHARED))
			zap_page_range(vma, vma->vm_start, vma->vm_end);
	printk(KERN_INFO "oom_reaper: reaped process %d (%s), now anon-rss:%lukB, file-rss:%lukB, shmem-rss:%lukB\n",
	       victim->pid, victim->comm, K(mm->rss_stat.count[MM_ANONPAGES]), K(mm->rss_stat.count[MM_FILEPAGES]),
	       K(mm->rss_stat.count[MM_SHMEMPAGES]));
}

static noinline void oom_kill_process(struct task_struct *victim)
{
	struct mm_struct *mm = process_mm(victim);

	printk(KERN_INFO "oom-kill:constraint=CONSTRAINT_NONE,task=%s,pid=%d,uid=%u\n", victim->comm, victim->pid,
	       victim->cred->uid);
	printk(KERN_ERR "Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, file-rss:%lukB, "
	       "shmem-rss:%lukB, UID:%u oom_score_adj:0\n", victim->pid, victim->comm, K(total_vm(mm)),
	       K(mm->rss_stat.count[MM_ANONPAGES]), K(mm->rss_stat.count[MM_FILEPAGES]),
	       K(mm->rss_stat.count[MM_SHMEMPAGES]), victim->cred->uid);
	do_send_sig_info(SIGKILL, SEND_SIG_PRIV, victim, PIDTYPE_TGID);
	oom_reap_task_mm(victim);
}

/* Called when an allocation for a user fails after all was tried. */
noinline void out_of_memory(gfp_t gfp_mask)
{
	struct task_struct *victim = select_bad_process();

	dump_header(gfp_mask);
	if (!victim)
		panic("System is deadlocked on memory");
	oom_kill_process(victim);
}
