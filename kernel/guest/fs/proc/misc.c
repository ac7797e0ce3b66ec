/* /proc's files of the whole system (Linux: fs/proc/version.c, uptime.c, loadavg.c, stat.c, meminfo.c and others). */
#include <asm/page.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/time.h>
#include <linux/utsname.h>
#include "internal.h"

static int version_show(struct seq_file *m)
{
	seq_puts(m, linux_banner);
	return 0;
}

static int cmdline_show(struct seq_file *m)
{
	seq_printf(m, "%s\n", saved_command_line);
	return 0;
}

static int filesystems_show(struct seq_file *m)
{
	seq_puts(m, "nodev\tramfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tsysfs\nnodev\tdevtmpfs\nnodev\tpipefs\n");
	return 0;
}

static unsigned int count_tasks(char state)
{
	struct task_struct *p, *t;
	unsigned int n = 0;

	for_each_process(p)
		for_each_thread(p, t)
			n += !state || task_state_to_char(t) == state;
	return n;
}

static pid_t last_pid_in_use(void)
{
	struct task_struct *p;
	pid_t last = 0;

	for_each_process(p)
		last = max(last, p->pid);
	return last;
}

/* Nobody keeps averages. */
static int loadavg_show(struct seq_file *m)
{
	seq_printf(m, "0.00 0.00 0.00 %u/%u %d\n", count_tasks('R'), count_tasks('\0'), last_pid_in_use());
	return 0;
}

/* Ticks that tasks have used, those that are gone included, as clock ticks. */
static void cpu_times(u64 *user, u64 *system)
{
	struct task_struct *p, *t;

	*user = *system = 0;
	for_each_process(p) {
		*user += p->signal->utime + (is_global_init(p) ? p->signal->cutime : 0);
		*system += p->signal->stime + (is_global_init(p) ? p->signal->cstime : 0);
		for_each_thread(p, t) {
			*user += t->utime;
			*system += t->stime;
		}
	}
	*user = *user * USER_HZ / HZ;
	*system = *system * USER_HZ / HZ;
}

/* The rest of all processors' time. */
static u64 idle_time(u64 used)
{
	u64 up = local_clock() / (NSEC_PER_SEC / USER_HZ) * num_online_cpus();

	return up > used ? up - used : 0;
}

/* Seconds and hundredths: since the boot, and those that the processors idled. */
static int uptime_show(struct seq_file *m)
{
	u64 user, system, idle, up = local_clock() / (NSEC_PER_SEC / USER_HZ);

	cpu_times(&user, &system);
	idle = idle_time(user + system);
	seq_printf(m, "%lu.%02lu %lu.%02lu\n", up / USER_HZ, up % USER_HZ, idle / USER_HZ, idle % USER_HZ);
	return 0;
}

/* What a processor used is not kept: each has its part of the sum. */
static int stat_show(struct seq_file *m)
{
	u64 user, system, idle, n = num_online_cpus();
	int cpu;

	cpu_times(&user, &system);
	idle = idle_time(user + system);
	seq_printf(m, "cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n", user, system, idle);
	for_each_online_cpu(cpu)
		seq_printf(m, "cpu%d %lu 0 %lu %lu 0 0 0 0 0 0\n", cpu, user / n, system / n, idle / n);
	seq_printf(m, "intr %lu\nctxt %lu\nbtime 0\n", nr_interrupts(), nr_context_switches());
	seq_printf(m, "processes %d\nprocs_running %u\nprocs_blocked %u\n", last_pid_in_use(), count_tasks('R'),
		   count_tasks('D'));
	return 0;
}

static void show_kib(struct seq_file *m, const char *name, unsigned long pages)
{
	seq_printf(m, "%-16s%8lu kB\n", name, pages * (PAGE_SIZE / 1024));
}

static int meminfo_show(struct seq_file *m)
{
	show_kib(m, "MemTotal:", totalram_pages());
	show_kib(m, "MemFree:", nr_free_pages());
	show_kib(m, "MemAvailable:", nr_free_pages());
	show_kib(m, "Buffers:", 0);
	show_kib(m, "Cached:", nr_file_pages());
	show_kib(m, "SwapTotal:", total_swap_pages());
	show_kib(m, "SwapFree:", nr_swap_pages());
	show_kib(m, "DirectMap4k:", direct_pages_count[PG_LEVEL_4K]);
	show_kib(m, "DirectMap2M:", direct_pages_count[PG_LEVEL_2M] * (PMD_SIZE / PAGE_SIZE));
	show_kib(m, "DirectMap1G:", direct_pages_count[PG_LEVEL_1G] * (PUD_SIZE / PAGE_SIZE));
	return 0;
}

static int mounts_of_all(struct seq_file *m)
{
	return mounts_show(m);
}

int mounts_show(struct seq_file *m)
{
	char *page = get_zeroed_page();
	const struct mount *mnt;

	if (!page)
		return -ENOMEM;
	list_for_each_entry(mnt, &current->nsproxy->mnt_ns->list, mnt_list) {
		char *path = d_path(mnt->mnt.mnt_root, page, PATH_MAX);

		if (IS_ERR(path))
			continue;
		seq_printf(m, "%s ", mnt->mnt_devname);
		seq_puts(m, path);
		seq_printf(m, " %s rw 0 0\n", mnt->mnt.mnt_sb->s_type->name);
	}
	free_page(page);
	return 0;
}

static const struct {
	const char *name;
	int (*show)(struct seq_file *m);
} files[] __initdata = {
	{ "cmdline", cmdline_show },
	{ "cpuinfo", cpuinfo_show },
	{ "filesystems", filesystems_show },
	{ "interrupts", interrupts_show },
	{ "softirqs", softirqs_show },
	{ "loadavg", loadavg_show },
	{ "meminfo", meminfo_show },
	{ "mounts", mounts_of_all },
	{ "stat", stat_show },
	{ "uptime", uptime_show },
	{ "version", version_show },
};

static int __init proc_misc_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		proc_create_single(files[i].name, files[i].show);
	return 0;
}
device_initcall(proc_misc_init);
