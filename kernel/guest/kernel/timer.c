/* Time in the kernel: ticks of the 8254, and a finer clock where the processor tells its rate. */
#include <asm/irqflags.h>
#include <asm/vdso.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/sched/signal.h>
#include <linux/time.h>
#include <linux/timer.h>

#define CPUID_TSC_LEAF	0x15

/* Ticks since the timer was started. */
unsigned long jiffies;

u64 tsc_hz;
static u64 tsc_boot;

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
	return tsc_hz ? tsc_to_ns(rdtsc()) : jiffies * NSEC_PER_TICK;
}

/* Nanoseconds since boot when the time-stamp counter was tsc. */
u64 tsc_to_ns(u64 tsc)
{
	u64 cycles = tsc - tsc_boot;

	return cycles / tsc_hz * NSEC_PER_SEC + cycles % tsc_hz * NSEC_PER_SEC / tsc_hz;
}

static noinline void timer_interrupt(int irq)
{
	jiffies++;
	account_process_tick(current, user_mode(get_irq_regs()));
	update_vsyscall();
	hrtimer_run_queues();
	printk_tick();
	raise_softirq(TIMER_SOFTIRQ);
	smp_send_tick();
	scheduler_tick();
}

void __init time_init(void)
{
	update_vsyscall();
	setup_pit_timer();
	request_irq(0, timer_interrupt, "timer");
}

void timer_setup(struct timer_list *timer, void (*function)(struct timer_list *timer))
{
	INIT_LIST_HEAD(&timer->entry);
	timer->function = function;
}

/* Set it, or set it anew. Any context. */
void mod_timer(struct timer_list *timer, unsigned long expires)
{
	unsigned long flags = local_irq_save();

	list_del_init(&timer->entry);
	timer->expires = expires;
	list_add_tail(&timer->entry, &timers);
	local_irq_restore(flags);
}

void del_timer(struct timer_list *timer)
{
	unsigned long flags = local_irq_save();

	list_del_init(&timer->entry);
	local_irq_restore(flags);
}

/* The timer softirq: those whose time has come. One that sets itself anew comes last, and later. */
noinline void run_timer_softirq(void)
{
	struct timer_list *timer, *next;

	list_for_each_entry_safe(timer, next, &timers, entry) {
		if ((long)(jiffies - timer->expires) < 0)
			continue;
		list_del_init(&timer->entry);
		timer->function(timer);
	}
}

/* A sleeper's timer, on its stack. */
struct process_timer {
	struct timer_list timer;
	struct task_struct *task;
};

static void process_timeout(struct timer_list *timer)
{
	wake_up_process(container_of(timer, struct process_timer, timer)->task);
}

/* Sleep in the state that the caller has set, at most so many ticks. How many are left: 0 if time woke it. */
noinline long schedule_timeout(long timeout)
{
	struct process_timer timer = { .task = current };
	unsigned long expires = jiffies + (unsigned long)timeout;

	if (timeout == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return timeout;
	}
	timer_setup(&timer.timer, process_timeout);
	mod_timer(&timer.timer, expires);
	schedule();
	del_timer(&timer.timer);
	timeout = (long)(expires - jiffies);
	return timeout < 0 ? 0 : timeout;
}
