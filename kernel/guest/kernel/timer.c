/* Time in the kernel: ticks of the 8254, and a finer clock where the processor tells its rate. */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

#define NSEC_PER_TICK	(NSEC_PER_SEC / HZ)
#define CPUID_TSC_LEAF	0x15

/* Ticks since the timer was started. */
unsigned long jiffies;

static u64 tsc_hz, tsc_boot;

/* A task that sleeps until jiffies reaches expires; on its stack. */
struct timer_list {
	struct list_head entry;
	unsigned long expires;
	struct task_struct *task;
};

static LIST_HEAD(timers);

/* Leaf 0x15 gives the rate of the time-stamp counter; without it ticks have to do (SDM 3B 18.7.3). */
void __init tsc_init(void)
{
	u32 max_leaf, denominator, numerator, crystal_hz, edx;

	cpuid(0, &max_leaf, &numerator, &crystal_hz, &edx);
	if (max_leaf < CPUID_TSC_LEAF)
		return;
	cpuid(CPUID_TSC_LEAF, &denominator, &numerator, &crystal_hz, &edx);
	if (!denominator || !numerator || !crystal_hz)
		return;
	tsc_hz = (u64)crystal_hz * numerator / denominator;
	tsc_boot = rdtsc();
	printk(KERN_INFO "tsc: Detected %lu.%03lu MHz processor\n", tsc_hz / 1000000, tsc_hz / 1000 % 1000);
}

/* Nanoseconds since boot. */
u64 local_clock(void)
{
	u64 cycles;

	if (!tsc_hz)
		return jiffies * NSEC_PER_TICK;
	cycles = rdtsc() - tsc_boot;
	return cycles / tsc_hz * NSEC_PER_SEC + cycles % tsc_hz * NSEC_PER_SEC / tsc_hz;
}

static noinline void timer_interrupt(int irq)
{
	jiffies++;
	run_local_timers();
	scheduler_tick();
}

void __init time_init(void)
{
	setup_pit_timer();
	request_irq(0, timer_interrupt, "timer");
}

/* Called by the timer interrupt: wake whose time has come. */
void run_local_timers(void)
{
	struct timer_list *timer;

	list_for_each_entry(timer, &timers, entry)
		if ((long)(jiffies - timer->expires) >= 0)
			wake_up_process(timer->task);
}

/* Sleep at least so many ticks. */
noinline void schedule_timeout(unsigned long timeout)
{
	struct timer_list timer = { .expires = jiffies + timeout, .task = current };
	unsigned long flags = local_irq_save();

	list_add_tail(&timer.entry, &timers);
	while ((long)(READ_ONCE(jiffies) - timer.expires) < 0) {
		set_current_state(TASK_INTERRUPTIBLE);
		schedule();
	}
	list_del_init(&timer.entry);
	local_irq_restore(flags);
}

long sys_nanosleep(const struct timespec __user *rqtp, struct timespec __user *rmtp)
{
	struct timespec ts;

	if (copy_from_user(&ts, rqtp, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_sec > (1L << 32) || ts.tv_nsec < 0 || ts.tv_nsec >= (long)NSEC_PER_SEC)
		return -EINVAL;
	schedule_timeout(ts.tv_sec * HZ + (ts.tv_nsec + NSEC_PER_TICK - 1) / NSEC_PER_TICK + 1);
	return 0;
}
