/* Small calls about the system and the caller. */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/personality.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include <linux/utsname.h>

struct new_utsname init_uts_ns = {
	.sysname = "Linux",
	.nodename = "ringscope",
	.release = "6.1.0-ringscope",
	.version = "#1",
	.machine = "x86_64",
	.domainname = "(none)",
};

long sys_uname(struct new_utsname __user *name)
{
	static const char i686[] = "i686";

	if (copy_to_user(name, &init_uts_ns, sizeof(init_uts_ns)))
		return -EFAULT;
	if (personality(current->personality) != PER_LINUX32)
		return 0;
	return copy_to_user(name->machine, i686, sizeof(i686)) ? -EFAULT : 0;
}

static long set_name(char *field, const char __user *name, int len)
{
	char text[__NEW_UTS_LEN + 1] = { 0 };

	if (current_cred()->euid != GLOBAL_ROOT_UID)
		return -EPERM;
	if (len < 0 || len > __NEW_UTS_LEN)
		return -EINVAL;
	if (copy_from_user(text, name, len))
		return -EFAULT;
	memcpy(field, text, sizeof(text));
	return 0;
}

long sys_sethostname(const char __user *name, int len)
{
	return set_name(init_uts_ns.nodename, name, len);
}

long sys_setdomainname(const char __user *name, int len)
{
	return set_name(init_uts_ns.domainname, name, len);
}

long sys_reboot(unsigned int magic1, unsigned int magic2, unsigned int cmd, void __user *arg)
{
	if (magic1 != LINUX_REBOOT_MAGIC1 || magic2 != LINUX_REBOOT_MAGIC2)
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_POWER_OFF:
		printk(KERN_EMERG "reboot: Power down\n");
		machine_exit(EXIT_POWER_OFF);
	case LINUX_REBOOT_CMD_RESTART:
		printk(KERN_EMERG "reboot: Restarting system\n");
		machine_exit(EXIT_RESTART);
	case LINUX_REBOOT_CMD_HALT:
		printk(KERN_EMERG "reboot: System halted\n");
		halt_forever();
		return 0;
	default:
		return -EINVAL;
	}
}
