/* The clocks, asked for by system call, and what a process has used of them (Linux: kernel/time). */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <asm/vdso.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include <linux/time.h>

/* Nanoseconds between 1970 and the boot: the CMOS clock tells at boot, clock_settime may later. */
static u64 wall_to_monotonic;

/* Nanoseconds since 1970 at a time since boot. */
u64 ktime_mono_to_real(u64 mono)
{
	return wall_to_monotonic + mono;
}

u64 ktime_get_real(void)
{
	return ktime_mono_to_real(local_clock());
}

/* It is now ns since 1970. */
void ktime_set_real(u64 ns)
{
	wall_to_monotonic = ns - local_clock();
	update_vsyscall();
}

static u64 process_ticks(struct task_struct *p)
{
	struct rusage r;

	getrusage(p, RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * HZ + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / USEC_PER_TICK;
}

/* Nanoseconds of a clock; false if there is no such clock. */
static bool read_clock(int which_clock, u64 *ns)
{
	switch (which_clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = ktime_get_real();
		return true;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = local_clock();
		return true;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_ticks(current) * NSEC_PER_TICK;
		return true;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = (current->utime + current->stime) * NSEC_PER_TICK;
		return true;
	default:
		return false;
	}
}

long sys_clock_gettime(int which_clock, struct timespec __user *tp)
{
	struct timespec ts;
	u64 ns;

	if (!read_clock(which_clock, &ns))
		return -EINVAL;
	ts = ns_to_timespec(ns);
	return copy_to_user(tp, &ts, sizeof(ts)) ? -EFAULT : 0;
}

long sys_clock_settime(int which_clock, const struct timespec __user *tp)
{
	struct timespec ts;

	if (which_clock != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&ts, tp, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	ktime_set_real(ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec);
	return 0;
}

/* Clocks read the time-stamp counter, the processes' count ticks. */
long sys_clock_getres(int which_clock, struct timespec __user *tp)
{
	bool ticks = which_clock == CLOCK_PROCESS_CPUTIME_ID || which_clock == CLOCK_THREAD_CPUTIME_ID;
	struct timespec res = { 0, ticks ? NSEC_PER_TICK : 1 };
	u64 ns;

	if (!read_clock(which_clock, &ns))
		return -EINVAL;
	return tp && copy_to_user(tp, &res, sizeof(res)) ? -EFAULT : 0;
}

long sys_gettimeofday(struct timeval __user *tv, struct timezone __user *tz)
{
	struct timezone utc = { 0, 0 };
	struct timespec now = ns_to_timespec(ktime_get_real());
	struct timeval value = { now.tv_sec, now.tv_nsec / NSEC_PER_USEC };

	if (tv && copy_to_user(tv, &value, sizeof(value)))
		return -EFAULT;
	return tz && copy_to_user(tz, &utc, sizeof(utc)) ? -EFAULT : 0;
}

long sys_time(long __user *tloc)
{
	long now = ktime_get_real() / NSEC_PER_SEC;

	return tloc && put_user(now, tloc) ? -EFAULT : now;
}

static void add_times(u64 *utime, u64 *stime, struct task_struct *p)
{
	struct task_struct *t;

	*utime += p->signal->utime;
	*stime += p->signal->stime;
	for_each_thread(p, t) {
		*utime += t->utime;
		*stime += t->stime;
	}
}

/* What a process, its waited-for children, both, or a thread have used. */
void getrusage(struct task_struct *p, int who, struct rusage *r)
{
	unsigned long flags = local_irq_save();
	u64 utime = 0, stime = 0;

	if (who == RUSAGE_THREAD) {
		utime = p->utime;
		stime = p->stime;
	}
	if (who == RUSAGE_SELF || who == RUSAGE_BOTH)
		add_times(&utime, &stime, p);
	if (who == RUSAGE_CHILDREN || who == RUSAGE_BOTH) {
		utime += p->signal->cutime;
		stime += p->signal->cstime;
	}
	local_irq_restore(flags);
	memset(r, 0, sizeof(*r));
	r->ru_utime = jiffies_to_timeval(utime);
	r->ru_stime = jiffies_to_timeval(stime);
}

long sys_getrusage(int who, struct rusage __user *ru)
{
	struct rusage r;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	getrusage(current, who, &r);
	return copy_to_user(ru, &r, sizeof(r)) ? -EFAULT : 0;
}

long sys_times(struct tms __user *tbuf)
{
	struct signal_struct *sig = current->signal;
	u64 utime = 0, stime = 0;
	struct tms tms;

	add_times(&utime, &stime, current);
	tms.tms_utime = utime * USER_HZ / HZ;
	tms.tms_stime = stime * USER_HZ / HZ;
	tms.tms_cutime = sig->cutime * USER_HZ / HZ;
	tms.tms_cstime = sig->cstime * USER_HZ / HZ;
	if (tbuf && copy_to_user(tbuf, &tms, sizeof(tms)))
		return -EFAULT;
	return jiffies * USER_HZ / HZ;
}
