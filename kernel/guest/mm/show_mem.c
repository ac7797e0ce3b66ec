/* How much memory there is and is free, for programs and for the log. Linux: mm/show_mem.c, kernel/sys.c. */
#include <asm/uaccess.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/syscalls.h>

/* What sysinfo(2) stores (Linux: include/uapi/linux/sysinfo.h). */
struct sysinfo {
	long uptime;			/* seconds since the boot */
	unsigned long loads[3];
	unsigned long totalram, freeram, sharedram, bufferram;	/* in units of mem_unit, as all below */
	unsigned long totalswap, freeswap;
	u16 procs;
	unsigned long totalhigh, freehigh;
	u32 mem_unit;
};

BUILD_BUG_ON(sizeof(struct sysinfo) != 112);

static void si_meminfo(struct sysinfo *info)
{
	info->totalram = totalram_pages();
	info->freeram = nr_free_pages();
	info->totalswap = total_swap_pages();
	info->freeswap = nr_swap_pages();
	info->mem_unit = PAGE_SIZE;
}

long sys_sysinfo(void __user *info)
{
	struct sysinfo val = { .uptime = local_clock() / 1000000000 };
	struct task_struct *p;

	for_each_process(p)
		val.procs++;
	si_meminfo(&val);
	return copy_to_user(info, &val, sizeof(val)) ? -EFAULT : 0;
}
