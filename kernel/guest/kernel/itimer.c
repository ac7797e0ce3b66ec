/* Alarms: a process's timers, which send it a signal (Linux: kernel/time/itimer.c). */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>
#include <linux/time.h>
#include <linux/timer.h>

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

/* By ITIMER_VIRTUAL and ITIMER_PROF: what each counts, and the signal at its end. */
static const int cpu_itimer_signal[CPUCLOCK_MAX] = { SIGVTALRM, SIGPROF };

/* Of real time: by the timer interrupt, whatever runs. */
struct real_timer {
	struct timer_list timer;
	struct task_struct *leader;
};

static noinline void it_real_fn(struct timer_list *timer)
{
	struct task_struct *leader = container_of(timer, struct real_timer, timer)->leader;

	send_sig(SIGALRM, leader, true);
	if (leader->signal->it_real_incr)
		mod_timer(timer, jiffies + leader->signal->it_real_incr);
}

static u64 timeval_to_ticks(const struct timeval *tv)
{
	return (u64)tv->tv_sec * HZ + (tv->tv_usec + USEC_PER_TICK - 1) / USEC_PER_TICK;
}

static void get_real(const struct signal_struct *sig, struct itimerval *value)
{
	const struct timer_list *timer = sig->real_timer;

	*value = (struct itimerval) { .it_interval = jiffies_to_timeval(sig->it_real_incr) };
	if (timer && timer_pending(timer))
		value->it_value = jiffies_to_timeval(timer->expires - jiffies);
}

static int set_real(struct signal_struct *sig, const struct itimerval *value)
{
	u64 ticks = timeval_to_ticks(&value->it_value);
	struct real_timer *real;

	if (!sig->real_timer) {
		real = kzalloc(sizeof(*real));
		if (!real)
			return -ENOMEM;
		real->leader = current->group_leader;
		timer_setup(&real->timer, it_real_fn);
		sig->real_timer = &real->timer;
	}
	del_timer(sig->real_timer);
	sig->it_real_incr = ticks ? timeval_to_ticks(&value->it_interval) : 0;
	if (ticks)
		mod_timer(sig->real_timer, jiffies + ticks + 1);
	return 0;
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
	if (current->signal->real_timer)
		del_timer(current->signal->real_timer);
}

/* Another thread leads the process now. */
void itimer_new_leader(struct task_struct *leader)
{
	if (leader->signal->real_timer)
		container_of(leader->signal->real_timer, struct real_timer, timer)->leader = leader;
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

static int set_itimer(int which, const struct itimerval *value)
{
	unsigned long flags = local_irq_save();
	int err = 0;

	if (which == ITIMER_REAL)
		err = set_real(current->signal, value);
	else
		set_cpu(&current->signal->it[which - ITIMER_VIRTUAL], value);
	local_irq_restore(flags);
	return err;
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
	int err;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (value && copy_from_user(&new, value, sizeof(new)))
		return -EFAULT;
	if (!timeval_valid(&new.it_value) || !timeval_valid(&new.it_interval))
		return -EINVAL;
	get_itimer(which, &old);
	err = set_itimer(which, &new);
	if (err)
		return err;
	return ovalue && copy_to_user(ovalue, &old, sizeof(old)) ? -EFAULT : 0;
}

/* Whole seconds until SIGALRM; how many were left of the alarm before. */
noinline long sys_alarm(unsigned int seconds)
{
	struct itimerval new = { .it_value = { seconds, 0 } }, old;
	int err;

	get_itimer(ITIMER_REAL, &old);
	err = set_itimer(ITIMER_REAL, &new);
	if (err)
		return err;
	/* Half a second counts as one, and something never as nothing. */
	return old.it_value.tv_sec +
	       (old.it_value.tv_usec >= USEC_PER_SEC / 2 || (!old.it_value.tv_sec && old.it_value.tv_usec));
}
