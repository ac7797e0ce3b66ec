/* /proc/sysrq-trigger: one letter asks the kernel for one thing, through all that may be wrong otherwise. */
#define pr_fmt(fmt) "sysrq: " fmt
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/reboot.h>
#include <linux/sched.h>

static void sysrq_handle_crash(void)
{
	panic("sysrq triggered crash");
}

static void sysrq_handle_reboot(void)
{
	machine_exit(EXIT_RESTART);
}

static void sysrq_handle_poweroff(void)
{
	machine_exit(EXIT_POWER_OFF);
}

static void sysrq_handle_showmem(void)
{
	printk(KERN_INFO "%lu pages free\n", nr_free_pages());
}

static const struct sysrq_key_op {
	char key;
	const char *action_msg;
	void (*handler)(void);
} sysrq_key_table[] = {
	{ 'b', "Resetting", sysrq_handle_reboot },
	{ 'c', "Trigger a crash", sysrq_handle_crash },
	{ 'm', "Show Memory", sysrq_handle_showmem },
	{ 'o', "Power Off", sysrq_handle_poweroff },
	{ 't', "Show State", show_state },
};

static ssize_t write_sysrq_trigger(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	size_t i;
	char c;

	if (!count)
		return 0;
	if (copy_from_user(&c, buf, 1))
		return -EFAULT;
	for (i = 0; i < ARRAY_SIZE(sysrq_key_table); i++) {
		if (sysrq_key_table[i].key != c)
			continue;
		pr_info("%s\n", sysrq_key_table[i].action_msg);
		sysrq_key_table[i].handler();
		return count;
	}
	pr_info("HELP : reboot(b) crash(c) show-memory-usage(m) poweroff(o) show-task-states(t)\n");
	return count;
}

static const struct file_operations sysrq_trigger_fops = { .write = write_sysrq_trigger };

static int __init sysrq_init(void)
{
	return create_pseudo_file("/proc/sysrq-trigger", 0200, &sysrq_trigger_fops);
}
device_initcall(sysrq_init);
