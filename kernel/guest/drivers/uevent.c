/*
 * Events of devices, told to a program: the way hotplug began. Writing an action to a device's uevent file
 * makes the kernel run uevent_helper, as `echo add > /sys/class/tty/ttyS0/uevent` does with Linux.
 */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/string.h>

static const char uevent_helper[] = "/sbin/helper";

#define ACTION_MAX 16

/* In the writer's context; comes back when the helper has ended. Its status, or -errno. */
static noinline int kobject_uevent(const char *action)
{
	char action_string[sizeof("ACTION=") + ACTION_MAX];
	const char *argv[] = { uevent_helper, "tty", NULL };
	const char *envp[] = {
		"HOME=/", "PATH=/sbin:/bin", "SUBSYSTEM=tty", "DEVPATH=/class/tty/ttyS0", action_string, NULL,
	};

	snprintf(action_string, sizeof(action_string), "ACTION=%s", action);
	return call_usermodehelper(uevent_helper, argv, envp);
}

/* Length of a known action at the start of text, which a newline may follow; 0 if it is none. */
static size_t known_action(const char *text)
{
	static const char *const actions[] = { "add", "remove", "change", "online", "offline" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		size_t n = strlen(actions[i]);

		if (!strncmp(text, actions[i], n) && (!text[n] || (text[n] == '\n' && !text[n + 1])))
			return n;
	}
	return 0;
}

static noinline ssize_t uevent_store(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char action[ACTION_MAX + 1] = { 0 };
	size_t length;
	int status;

	if (count > ACTION_MAX)
		return -EINVAL;
	if (copy_from_user(action, buf, count))
		return -EFAULT;
	length = known_action(action);
	if (!length)
		return -EINVAL;
	action[length] = '\0';
	status = kobject_uevent(action);
	if (status)
		printk(KERN_WARNING "uevent: %s ended with status %d\n", uevent_helper, status);
	return status < 0 ? status : (ssize_t)count;
}

static const struct file_operations uevent_fops = { .write = uevent_store };

static int __init uevent_init(void)
{
	return create_pseudo_file("/sys/class/tty/ttyS0/uevent", 0200, &uevent_fops);
}
device_initcall(uevent_init);
