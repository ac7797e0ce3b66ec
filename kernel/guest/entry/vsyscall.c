/*
 * The vsyscall page: three functions at fixed addresses in the kernel's half, where programs of the year 2002 called
 * them. Fixed code is a gift to attackers, so nothing is there any more: the fetch faults, and the fault is the call
 * (Linux: arch/x86/entry/vsyscall/vsyscall_64.c, vsyscall=xonly).
 */
#include <asm/traps.h>
#include <asm/uaccess.h>
#include <asm/vdso.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

/* One function each 1 KiB. */
enum { VSYSCALL_GETTIMEOFDAY, VSYSCALL_TIME, VSYSCALL_GETCPU, NR_VSYSCALLS };

/* vsyscall=none: the page is not there, and to call it is to die. */
static bool vsyscall_none;

static int __init vsyscall_setup(char *str)
{
	vsyscall_none = !strcmp(str, "none");
	return vsyscall_none || !strcmp(str, "xonly") || !strcmp(str, "emulate");
}
__setup("vsyscall=", vsyscall_setup);

bool vsyscall_is_none(void)
{
	return vsyscall_none;
}

static int addr_to_vsyscall_nr(unsigned long addr)
{
	unsigned long offset = addr - VSYSCALL_ADDR;

	return offset & 0x3ff || offset >> 10 >= NR_VSYSCALLS ? -EINVAL : (int)(offset >> 10);
}

static long call(int nr, const struct pt_regs *regs)
{
	switch (nr) {
	case VSYSCALL_GETTIMEOFDAY:
		return sys_gettimeofday((void __user *)regs->di, (void __user *)regs->si);
	case VSYSCALL_TIME:
		return sys_time((void __user *)regs->di);
	default:
		return sys_getcpu((void __user *)regs->di, (void __user *)regs->si, NULL);
	}
}

/* Called by the page fault, from ring 3, for an address in the page. */
noinline bool emulate_vsyscall(unsigned long error_code, struct pt_regs *regs, unsigned long address)
{
	int nr = addr_to_vsyscall_nr(address);
	unsigned long caller;

	if (vsyscall_none || !(error_code & X86_PF_INSTR) || nr < 0 || address != regs->ip)
		return false;
	if (copy_from_user(&caller, (const void __user *)regs->sp, sizeof(caller)))
		return false;
	regs->ax = call(nr, regs);
	if (regs->ax == (unsigned long)-EFAULT)
		return false;
	regs->ip = caller;		/* as its RET would have done */
	regs->sp += sizeof(caller);
	return true;
}

long sys_getcpu(unsigned int __user *cpup, unsigned int __user *nodep, void __user *unused)
{
	unsigned int cpu = smp_processor_id(), zero = 0;	/* one node */

	if (cpup && copy_to_user(cpup, &cpu, sizeof(cpu)))
		return -EFAULT;
	return nodep && copy_to_user(nodep, &zero, sizeof(zero)) ? -EFAULT : 0;
}
