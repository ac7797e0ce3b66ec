/* /proc/PID/status, stat and statm (Linux: fs/proc/array.c; proc(5) has every field). */
#include <asm/page.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/time.h>
#include "internal.h"

/* Ticks of the timer as clock ticks of times(2). */
static unsigned long nsec_to_clock_t(u64 nsec)
{
	return nsec / (NSEC_PER_SEC / USER_HZ);
}

static unsigned long ticks_to_clock_t(u64 ticks)
{
	return ticks * USER_HZ / HZ;
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 'Z':
		return "zombie";
	case 'I':
		return "idle";
	default:
		return "dead";
	}
}

static unsigned long total_vm(const struct mm_struct *mm)
{
	const struct vm_area_struct *vma;
	unsigned long pages = 0;

	list_for_each_entry(vma, &mm->mmap, vm_list)
		pages += (vma->vm_end - vma->vm_start) / PAGE_SIZE;
	return pages;
}

static unsigned long count_kib(const struct mm_struct *mm, int kind)
{
	return mm->rss_stat.count[kind] * (PAGE_SIZE / 1024);
}

static void task_mem(struct seq_file *m, const struct mm_struct *mm)
{
	seq_printf(m, "VmSize:\t%8lu kB\n", total_vm(mm) * (PAGE_SIZE / 1024));
	seq_printf(m, "VmHWM:\t%8lu kB\n", mm->hiwater_rss * (PAGE_SIZE / 1024));
	seq_printf(m, "VmRSS:\t%8lu kB\n", get_mm_rss(mm) * (PAGE_SIZE / 1024));
	seq_printf(m, "RssAnon:\t%8lu kB\n", count_kib(mm, MM_ANONPAGES));
	seq_printf(m, "RssFile:\t%8lu kB\n", count_kib(mm, MM_FILEPAGES));
	seq_printf(m, "RssShmem:\t%8lu kB\n", count_kib(mm, MM_SHMEMPAGES));
	seq_printf(m, "VmSwap:\t%8lu kB\n", count_kib(mm, MM_SWAPENTS));
}

/* The signals that a process ignores, or has a handler for. */
static void collect_sigmasks(const struct task_struct *task, unsigned long *ignored, unsigned long *caught)
{
	int sig;

	*ignored = *caught = 0;
	for (sig = 1; task->sighand && sig <= _NSIG; sig++) {
		__sighandler_t handler = task->sighand->action[sig - 1].sa.sa_handler;

		if (handler == SIG_IGN)
			*ignored |= sigmask(sig);
		else if (handler != SIG_DFL)
			*caught |= sigmask(sig);
	}
}

static void task_sig(struct seq_file *m, const struct task_struct *task)
{
	unsigned long ignored, caught;

	collect_sigmasks(task, &ignored, &caught);
	seq_printf(m, "Threads:\t%d\n", task->signal->nr_threads);
	seq_printf(m, "SigPnd:\t%016lx\n", task->pending.signal.sig[0]);
	seq_printf(m, "ShdPnd:\t%016lx\n", task->signal->shared_pending.signal.sig[0]);
	seq_printf(m, "SigBlk:\t%016lx\n", task->blocked.sig[0]);
	seq_printf(m, "SigIgn:\t%016lx\n", ignored);
	seq_printf(m, "SigCgt:\t%016lx\n", caught);
}

int proc_pid_status(struct seq_file *m, struct task_struct *task)
{
	const struct cred *cred = task->cred;
	char state = task_state_to_char(task);

	seq_printf(m, "Name:\t%s\n", task->comm);
	if (task->fs)
		seq_printf(m, "Umask:\t0%03u\n", (task->fs->umask >> 6) * 100 + (task->fs->umask >> 3 & 7) * 10 +
			   (task->fs->umask & 7));
	seq_printf(m, "State:\t%c (%s)\n", state, state_name(state));
	seq_printf(m, "Tgid:\t%d\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", task->tgid, task->pid,
		   task->group_leader->real_parent->tgid);
	seq_printf(m, "Uid:\t%u\t%u\t%u\t%u\n", cred->uid, cred->euid, cred->suid, cred->fsuid);
	seq_printf(m, "Gid:\t%u\t%u\t%u\t%u\n", cred->gid, cred->egid, cred->sgid, cred->fsgid);
	seq_printf(m, "FDSize:\t%d\n", task->files ? NR_OPEN_DEFAULT : 0);
	if (task->mm)
		task_mem(m, task->mm);
	task_sig(m, task);
	seq_printf(m, "NoNewPrivs:\t%d\n", task->no_new_privs);
	seq_printf(m, "voluntary_ctxt_switches:\t%lu\n", task->nvcsw);
	seq_printf(m, "nonvoluntary_ctxt_switches:\t%lu\n", task->nivcsw);
	return 0;
}

/* Fields 14 to 24: times, priority, threads, memory. */
static void stat_times(struct seq_file *m, const struct task_struct *task)
{
	const struct signal_struct *sig = task->signal;

	seq_printf(m, " %lu %lu %lu %lu", ticks_to_clock_t(sig->utime + task->utime),
		   ticks_to_clock_t(sig->stime + task->stime), ticks_to_clock_t(sig->cutime),
		   ticks_to_clock_t(sig->cstime));
	seq_printf(m, " %d %d %d 0 %lu", task->static_prio - MAX_RT_PRIO, PRIO_TO_NICE(task->static_prio),
		   sig->nr_threads, nsec_to_clock_t(task->start_time));
	seq_printf(m, " %lu %lu %lu", task->mm ? total_vm(task->mm) * PAGE_SIZE : 0,
		   task->mm ? get_mm_rss(task->mm) : 0, sig->rlim[RLIMIT_RSS].rlim_cur);
}

/* Fields 26 to 30: where the program lies. */
static void stat_addresses(struct seq_file *m, const struct mm_struct *mm)
{
	if (mm)
		seq_printf(m, " %lu %lu %lu 0 0", mm->start_code, mm->end_code, mm->start_stack);
	else
		seq_puts(m, " 0 0 0 0 0");
}

int proc_pid_stat(struct seq_file *m, struct task_struct *task)
{
	const struct mm_struct *mm = task->mm;
	unsigned long ignored, caught;

	collect_sigmasks(task, &ignored, &caught);
	seq_printf(m, "%d (%s) %c %d %d %d %d %d %u", task->pid, task->comm, task_state_to_char(task),
		   task->group_leader->real_parent->tgid, task->signal->pgrp, task->signal->session,
		   task->signal->tty ? (int)MKDEV(4, 64) : 0, -1, task->flags);
	seq_printf(m, " %lu 0 %lu 0", task->min_flt, task->maj_flt);
	stat_times(m, task);
	stat_addresses(m, mm);
	seq_printf(m, " %lu %lu %lu %lu 0 0 0 %d %d 0 0 0 0 0", task->pending.signal.sig[0], task->blocked.sig[0],
		   ignored, caught, task->exit_signal, task_cpu(task));
	if (mm)
		seq_printf(m, " %lu %lu %lu %lu %lu %lu %lu", mm->start_data, mm->end_data, mm->start_brk,
			   mm->arg_start, mm->arg_end, mm->env_start, mm->env_end);
	else
		seq_puts(m, " 0 0 0 0 0 0 0");
	seq_printf(m, " %d\n", task->exit_code);
	return 0;
}

/* Pages: all, resident, shared, text, none, data and stack, none. */
int proc_pid_statm(struct seq_file *m, struct task_struct *task)
{
	const struct mm_struct *mm = task->mm;
	unsigned long text;

	if (!mm) {
		seq_puts(m, "0 0 0 0 0 0 0\n");
		return 0;
	}
	text = (PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) / PAGE_SIZE;
	seq_printf(m, "%lu %lu %lu %lu 0 %lu 0\n", total_vm(mm), get_mm_rss(mm),
		   mm->rss_stat.count[MM_FILEPAGES] + mm->rss_stat.count[MM_SHMEMPAGES], text, total_vm(mm) - text);
	return 0;
}
