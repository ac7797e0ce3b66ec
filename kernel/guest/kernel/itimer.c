/* Alarms: a process's timers, which send it a signal (Linux: kernel/time/itimer.c). */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>
#include <linux/time.h>

#define KTIME_SEC_MAX (1L << 32)	/* more than a century is for ever */

/* By ITIMER_VIRTUAL and ITIMER_PROF: what each counts, and the signal at its end. */
static const int cpu_itimer_signal[CPUCLOCK_MAX] = { SIGVTALRM, SIGPROF };

/* Called by the tick, whatever runs. */
static noinline enum hrtimer_restart it_real_fn(struct hrtimer *timer)
{
	struct signal_struct *sig = container_of(timer, struct signal_struct, real_timer);
	struct task_struct *thread = list_first_entry(&sig->thread_head, struct task_struct, thread_node);

	send_sig(SIGALRM, thread->group_leader, true);
	if (!sig->it_real_incr)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, sig->it_real_incr);
	return HRTIMER_RESTART;
}

static ktime_t timeval_to_ktime(const struct timeval *tv)
{
	if (tv->tv_sec >= KTIME_SEC_MAX)
		return KTIME_SEC_MAX * NSEC_PER_SEC;
	return tv->tv_sec * NSEC_PER_SEC + tv->tv_usec * NSEC_PER_USEC;
}

static struct timeval ktime_to_timeval(ktime_t ns)
{
	struct timespec ts = ns_to_timespec(ns);

	return (struct timeval) { ts.tv_sec, ts.tv_nsec / NSEC_PER_USEC };
}

/* A timer that is overdue has a microsecond left: 0 would mean that it is not set. */
static void get_real(const struct signal_struct *sig, struct itimerval *value)
{
	const struct hrtimer *timer = &sig->real_timer;

	*value = (struct itimerval) { .it_interval = ktime_to_timeval(sig->it_real_incr) };
	if (hrtimer_active(timer))
		value->it_value = ktime_to_timeval(max(hrtimer_get_remaining(timer), NSEC_PER_USEC));
}

static void set_real(struct signal_struct *sig, const struct itimerval *value)
{
	ktime_t ns = timeval_to_ktime(&value->it_value);

	hrtimer_cancel(&sig->real_timer);
	sig->it_real_incr = ns ? timeval_to_ktime(&value->it_interval) : 0;
	if (ns)
		hrtimer_start(&sig->real_timer, (ktime_t)local_clock() + ns);
}

static u64 timeval_to_ticks(const struct timeval *tv)
{
	return (u64)tv->tv_sec * HZ + (tv->tv_usec + USEC_PER_TICK - 1) / USEC_PER_TICK;
}

/* The timer of a new process. */
void itimer_init(struct signal_struct *sig)
{
	hrtimer_init(&sig->real_timer, it_real_fn);
}

static void get_cpu(const struct cpu_itimer *it, struct itimerval *value)
{
	*value = (struct itimerval) { jiffies_to_timeval(it->incr), jiffies_to_timeval(it->expires) };
}

static void set_cpu(struct cpu_itimer *it, const struct itimerval *value)
{
	u64 ticks = timeval_to_ticks(&value->it_value);

	it->expires = ticks ? ticks + 1 : 0;
	it->incr = timeval_to_ticks(&value->it_interval);
}

static void tick_cpu(struct task_struct *p, unsigned int clock)
{
	struct cpu_itimer *it = &p->signal->it[clock];

	if (!it->expires || --it->expires)
		return;
	it->expires = it->incr;
	send_sig(cpu_itimer_signal[clock], p, true);
}

/* Called by the timer interrupt: the tick was the current task's, in ring 3 or in the kernel. */
void account_process_tick(struct task_struct *p, bool user_tick)
{
	if (user_tick)
		p->utime++;
	else
		p->stime++;
	if (user_tick)
		tick_cpu(p, CPUCLOCK_VIRT);
	tick_cpu(p, CPUCLOCK_PROF);
}

/* The last thread is gone: nobody is there to be signalled. */
void exit_itimers(void)
{
	hrtimer_cancel(&current->signal->real_timer);
}

static bool timeval_valid(const struct timeval *tv)
{
	return tv->tv_sec >= 0 && tv->tv_sec < 1L << 48 && tv->tv_usec >= 0 && tv->tv_usec < USEC_PER_SEC;
}

static void get_itimer(int which, struct itimerval *value)
{
	unsigned long flags = local_irq_save();

	if (which == ITIMER_REAL)
		get_real(current->signal, value);
	else
		get_cpu(&current->signal->it[which - ITIMER_VIRTUAL], value);
	local_irq_restore(flags);
}

static void set_itimer(int which, const struct itimerval *value)
{
	unsigned long flags = local_irq_save();

	if (which == ITIMER_REAL)
		set_real(current->signal, value);
	else
		set_cpu(&current->signal->it[which - ITIMER_VIRTUAL], value);
	local_irq_restore(flags);
}

long sys_getitimer(int which, struct itimerval __user *value)
{
	struct itimerval now;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	get_itimer(which, &now);
	return copy_to_user(value, &now, sizeof(now)) ? -EFAULT : 0;
}

noinline long sys_setitimer(int which, const struct itimerval __user *value, struct itimerval __user *ovalue)
{
	struct itimerval new = { 0 }, old;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (value && copy_from_user(&new, value, sizeof(new)))
		return -EFAULT;
	if (!timeval_valid(&new.it_value) || !timeval_valid(&new.it_interval))
		return -EINVAL;
	get_itimer(which, &old);
	set_itimer(which, &new);
	return ovalue && copy_to_user(ovalue, &old, sizeof(old)) ? -EFAULT : 0;
}

/* Whole seconds until SIGALRM; how many were left of the alarm before. */
noinline long sys_alarm(unsigned int seconds)
{
	struct itimerval new = { .it_value = { seconds, 0 } }, old;

	get_itimer(ITIMER_REAL, &old);
	set_itimer(ITIMER_REAL, &new);
	/* Half a second counts as one, and something never as nothing. */
	return old.it_value.tv_sec +
	       (old.it_value.tv_usec >= USEC_PER_SEC / 2 || (!old.it_value.tv_sec && old.it_value.tv_usec));
}
