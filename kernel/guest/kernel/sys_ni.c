/* System calls that Linux has and this kernel lacks: -ENOSYS, and a line in the log that names call and program. */
#include <asm/ptrace.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

/* Numbers that are somebody's: NULL elsewhere. */
static const char *const missing[] = {
#include <asm/syscall_names.h>
};

/* Whether a number was told of: the first program that asks is enough, and a fuzzer must not fill the log. */
static bool told[ARRAY_SIZE(missing)];

/* In the tables for every number without a call, and called for numbers beyond them. */
noinline long sys_ni_syscall(void)
{
	unsigned long nr = current_pt_regs()->orig_ax;

	if (in_ia32_syscall() || nr >= ARRAY_SIZE(missing) || !missing[nr] || told[nr])
		return -ENOSYS;
	told[nr] = true;
	printk(KERN_INFO "%s[%d]: system call %lu (%s) is not implemented\n", current->comm, current->pid, nr,
	       missing[nr]);
	return -ENOSYS;
}
