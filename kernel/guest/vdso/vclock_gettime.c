/*
 * The time without entering the kernel: code that runs in ring 3, in a page that the kernel lends every program. It
 * reads the page below its own, which the timer interrupt keeps up to date, and the time-stamp counter. What it
 * cannot answer it asks the kernel (Linux: arch/x86/entry/vdso/vclock_gettime.c, lib/vdso/gettimeofday.c).
 */
#include <asm/layout.h>
#include <asm/unistd.h>
#include <linux/time.h>
#include <vdso/datapage.h>

/* The linker script puts it one page below the shared object. */
extern const volatile struct vdso_data vvar_page __attribute__((__visibility__("hidden")));

int __vdso_clock_gettime(int clock, struct timespec *ts);
int __vdso_gettimeofday(struct timeval *tv, void *tz);
long __vdso_time(long *t);
long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused);

static long syscall2(long nr, long a, long b)
{
	long ret;

	asm volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

static u64 rdtsc_ordered(void)
{
	u32 low, high;

	asm volatile("lfence\n rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

/* Nanoseconds of a clock; false if only the kernel knows. */
static int read_clock(int clock, u64 *ns)
{
	u64 base, delta;
	u32 seq;

	do {
		seq = vvar_page.seq;
		if (seq & 1)
			continue;
		if (vvar_page.clock_mode != VDSO_CLOCKMODE_TSC)
			return 0;
		delta = (rdtsc_ordered() - vvar_page.cycle_last) * NSEC_PER_SEC / vvar_page.cycles_per_second;
		base = vvar_page.monotonic_ns;
		if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
			base = vvar_page.realtime_ns;
		else if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_RAW &&
			 clock != CLOCK_MONOTONIC_COARSE && clock != CLOCK_BOOTTIME)
			return 0;
	} while ((seq & 1) || seq != vvar_page.seq);
	*ns = base + delta;
	return 1;
}

int __vdso_clock_gettime(int clock, struct timespec *ts)
{
	u64 ns;

	if (!read_clock(clock, &ns))
		return syscall2(__NR_clock_gettime, clock, (long)ts);
	ts->tv_sec = ns / NSEC_PER_SEC;
	ts->tv_nsec = ns % NSEC_PER_SEC;
	return 0;
}

int __vdso_gettimeofday(struct timeval *tv, void *tz)
{
	u64 ns;

	if (tz || !tv || !read_clock(CLOCK_REALTIME, &ns))
		return syscall2(__NR_gettimeofday, (long)tv, (long)tz);
	tv->tv_sec = ns / NSEC_PER_SEC;
	tv->tv_usec = ns % NSEC_PER_SEC / 1000;
	return 0;
}

long __vdso_time(long *t)
{
	long seconds = vvar_page.realtime_ns / NSEC_PER_SEC;

	if (t)
		*t = seconds;
	return seconds;
}

/* A segment whose limit is the processor's number, and its node's: LSL needs no privilege. */
long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused)
{
	unsigned int limit;

	asm volatile("lsl %1, %0" : "=r"(limit) : "r"(CPUNODE_SEG));
	if (cpu)
		*cpu = limit & 0xfff;
	if (node)
		*node = limit >> 12;
	return 0;
}
