/*
 * Tasklets to watch: a number written to /sys/kernel/debug/tasklet_storm has one tasklet schedule itself so often.
 * Reading tells in which contexts it ran: at the end of an interrupt, or in ksoftirqd.
 */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#define MOST_ROUNDS 1000000

static struct tasklet_storm {
	struct tasklet_struct tasklet;
	long left;
	unsigned long in_irq_exit, in_ksoftirqd, elsewhere;
} storm;

static noinline void storm_callback(struct tasklet_struct *t)
{
	if (!in_serving_softirq() || in_hardirq() || in_task() || this_cpu(current_context) != SOFTIRQ_CONTEXT)
		storm.elsewhere++;
	else if (!strncmp(current->comm, "ksoftirqd/", 10))
		storm.in_ksoftirqd++;
	else
		storm.in_irq_exit++;
	if (--storm.left > 0)
		tasklet_schedule(t);
}

static ssize_t storm_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char number[16] = { 0 };
	long rounds;

	if (!count || count >= sizeof(number))
		return -EINVAL;
	if (copy_from_user(number, buf, count))
		return -EFAULT;
	rounds = simple_strtol(number, NULL);
	if (rounds < 1 || rounds > MOST_ROUNDS || storm.left > 0)
		return rounds < 1 || rounds > MOST_ROUNDS ? -EINVAL : -EBUSY;
	storm.left = rounds;
	storm.in_irq_exit = storm.in_ksoftirqd = storm.elsewhere = 0;
	tasklet_schedule(&storm.tasklet);
	return count;
}

static int storm_show(struct seq_file *m)
{
	seq_printf(m, "left %ld irq_exit %lu ksoftirqd %lu elsewhere %lu task %d\n", storm.left, storm.in_irq_exit,
		   storm.in_ksoftirqd, storm.elsewhere, in_task() && this_cpu(current_context) == PROCESS_CONTEXT);
	return 0;
}

static ssize_t storm_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return single_read(storm_show, NULL, buf, count, pos);
}

static const struct file_operations storm_fops = { .read = storm_read, .write = storm_write };

static int __init tasklet_storm_init(void)
{
	tasklet_setup(&storm.tasklet, storm_callback);
	return create_pseudo_file("/sys/kernel/debug/tasklet_storm", 0644, &storm_fops);
}
device_initcall(tasklet_storm_init);
