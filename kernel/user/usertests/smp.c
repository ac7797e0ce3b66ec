/*
 * Tests of several processors: where a task runs, and that what one processor does the others see. With one processor
 * they say less, but the same.
 */
#include "usertests.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <unistd.h>

#define STACK_SIZE 16384
#define MOST_CPUS 8
#define ADDS 20000

static char stacks[MOST_CPUS][STACK_SIZE] __attribute__((__aligned__(16)));
static volatile int tids[MOST_CPUS];
static volatile unsigned long counter, progress;
static volatile int stop;

static unsigned long online(void)
{
	unsigned long mask = 0;

	return sched_getaffinity(0, sizeof(mask), &mask) == sizeof(mask) ? mask : 0;
}

static int cpu_of(unsigned long mask)
{
	return __builtin_ctzl(mask);
}

/* The lowest and the highest: the same, if there is one. */
static unsigned long first_cpu(void)
{
	return online() & -online();
}

static unsigned long last_cpu(void)
{
	return 1UL << (63 - __builtin_clzl(online()));
}

static long pin(unsigned long mask)
{
	return sched_setaffinity(0, sizeof(mask), &mask);
}

static unsigned int where(void)
{
	unsigned int cpu = 99;

	getcpu(&cpu, NULL, NULL);
	return cpu;
}

/* What LSL says of the processor's own segment, as the vDSO reads it. */
static unsigned int where_without_asking(void)
{
	unsigned int limit = 99;

	asm volatile("lsl %1, %0" : "+r"(limit) : "r"(0x7b));
	return limit & 0xfff;
}

static int affinity(void)
{
	unsigned long all = online(), mask, none = 0, absent = 1UL << 40;

	CHECK(all & 1);
	for (mask = 1; mask <= all; mask <<= 1) {
		unsigned long now = 0;

		if (!(all & mask))
			continue;
		CHECK(pin(mask) == 0);
		CHECK(where() == (unsigned int)cpu_of(mask) && where_without_asking() == where());
		CHECK(sched_getaffinity(0, sizeof(now), &now) == sizeof(now) && now == mask);
	}
	CHECK(sched_setaffinity(0, sizeof(none), &none) == -EINVAL);
	CHECK(sched_setaffinity(0, sizeof(absent), &absent) == -EINVAL);
	CHECK(sched_setaffinity(0, sizeof(all), (void *)8) == -EFAULT);
	CHECK(sched_setaffinity(30000, sizeof(all), &all) == -ESRCH && sched_getaffinity(30000, 8, &mask) == -ESRCH);
	CHECK(sched_getaffinity(0, 4, &mask) == -EINVAL);
	CHECK(pin(all) == 0);
	return 0;
}

static int stays_there(void)
{
	unsigned long mask = 0;

	return !(where() == (unsigned int)cpu_of(last_cpu()) && sched_getaffinity(0, 8, &mask) == 8 && mask == last_cpu());
}

/* A child, and a program that it becomes, run where their parent may. */
static int affinity_is_inherited(void)
{
	unsigned long all = online();

	CHECK(pin(last_cpu()) == 0);
	CHECK(status_of(stays_there) == 0);
	CHECK(pin(all) == 0);
	return 0;
}

static int adds(void *arg)
{
	int i;

	pin((unsigned long)arg);
	for (i = 0; i < ADDS; i++)
		__atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static long start(int i, int (*fn)(void *), unsigned long arg)
{
	return thread_create(THREAD_FLAGS, stacks[i] + STACK_SIZE, (int *)&tids[i], NULL, fn, (void *)arg);
}

/* LOCK makes an addition one, whichever processors add. */
static int atomic_everywhere(void)
{
	unsigned long all = online(), mask;
	int n = 0, i;

	for (mask = 1; mask <= all; mask <<= 1)
		if (all & mask)
			CHECK(start(n++, adds, mask) > 0);
	for (i = 0; i < n; i++)
		thread_join(&tids[i]);
	CHECK(counter == (unsigned long)n * ADDS);
	return 0;
}

static volatile unsigned long *page;
static void segv(int sig)
{
	exit_group(0);
}

static int writes_on(void *arg)
{
	pin((unsigned long)arg);
	while (!stop) {
		(*page)++;
		progress++;
	}
	return 0;
}

static void wait_for_progress(void)
{
	unsigned long before = progress;

	while (progress < before + 100)
		sched_yield();
}

/* In the old one's place, with MAP_FIXED. */
static volatile unsigned long *fresh_page(unsigned long flags)
{
	unsigned long at = flags ? (unsigned long)page : 0;

	return (void *)mmap(at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* The other processor writes to a page all the time, and so has it in its TLB: when mprotect returns it cannot any more. */
static int writes_until_forbidden(void)
{
	unsigned long all = online(), value;

	page = fresh_page(0);
	if (start(0, writes_on, last_cpu()) <= 0 || pin(first_cpu()))
		return 1;
	wait_for_progress();
	signal(SIGSEGV, segv);
	mprotect((unsigned long)page, 4096, PROT_READ);
	value = *page;
	pin(all);
	while (*page == value)
		sched_yield();		/* the other thread's SIGSEGV ends the process */
	return 2;
}

static int tlb_shootdown(void)
{
	CHECK(status_of(writes_until_forbidden) == 0);
	return 0;
}

/* And when munmap returns, whatever is mapped there next is not what the other processor still knows. */
static int maps_anew(void)
{
	unsigned long all = online(), i;

	page = fresh_page(0);
	if (start(0, writes_on, last_cpu()) <= 0 || pin(first_cpu()))
		return 1;
	for (i = 0; i < 20; i++) {
		wait_for_progress();
		if (fresh_page(MAP_FIXED) != page)
			return 2;
		wait_for_progress();
		if (!*page)
			return 3;
	}
	stop = 1;
	thread_join(&tids[0]);
	pin(all);
	return 0;
}

static int remap_under_another(void)
{
	CHECK(status_of(maps_anew) == 0);
	return 0;
}

static volatile int installed;

/* Loads a selector of the LDT's first entry: #GP where the processor knows of no LDT. */
static int loads_selector(void *arg)
{
	pin((unsigned long)arg);
	while (!installed)
		progress++;
	asm volatile("movl %0, %%es" : : "r"(0 << 3 | 4 | 3));
	stop = 1;
	return 0;
}

static int makes_ldt(void)
{
	struct user_desc desc = { .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .useable = 1 };

	if (start(0, loads_selector, last_cpu()) <= 0 || pin(first_cpu()))
		return 1;
	wait_for_progress();
	if (modify_ldt(0x11, &desc, sizeof(desc)))
		return 2;
	installed = 1;
	thread_join(&tids[0]);
	return stop != 1;
}

/* One thread makes the process's first LDT, while another runs. */
static int ldt_everywhere(void)
{
	CHECK(status_of(makes_ldt) == 0);
	return 0;
}

static int spins(void)
{
	pin(last_cpu());
	for (;;)
		counter++;
}

/* A task that runs elsewhere, and never calls the kernel, ends at once: an interrupt tells its processor. */
static int kill_the_other(void)
{
	struct timespec moment = { 0, 20000000 };
	pid_t pid = fork();
	int status;

	if (!pid)
		exit(spins());
	CHECK(pin(first_cpu()) == 0);
	nanosleep(&moment, NULL);
	CHECK(kill(pid, SIGKILL) == 0 && wait4(pid, &status, 0, NULL) == pid && WTERMSIG(status) == SIGKILL);
	return 0;
}

/* More tasks than processors: each processor gets some. */
static int work_is_shared(void)
{
	struct timespec moment = { 0, 50000000 };
	unsigned long all = online(), seen = 0;
	int ends[2], i, n = 2 * __builtin_popcountl(all), status;
	char cpu;

	CHECK(pipe(ends) == 0);
	for (i = 0; i < n; i++)
		if (!fork()) {
			for (counter = 0; counter < 2000000; counter++)
				;
			cpu = where();
			write(ends[1], &cpu, 1);
			exit(0);
		}
	nanosleep(&moment, NULL);
	for (i = 0; i < n; i++) {
		CHECK(read(ends[0], &cpu, 1) == 1 && cpu >= 0 && cpu < 64);
		seen |= 1UL << cpu;
	}
	for (i = 0; i < n; i++)
		CHECK(wait4(-1, &status, 0, NULL) > 0 && status == 0);
	CHECK(seen == all);
	return 0;
}

/* As many as sched_getaffinity says, in each of these texts. */
static int proc_knows_processors(void)
{
	static char text[16384];
	unsigned long all = online();
	const char *at = text;
	int n = 0;

	CHECK(slurp("/proc/cpuinfo", text, sizeof(text)) > 0);
	for (; (at = find_text(at, "processor\t: ")); at++)
		n++;
	CHECK(n == __builtin_popcountl(all));
	CHECK(slurp("/proc/stat", text, sizeof(text)) > 0 && find_text(text, "cpu0 "));
	CHECK(!!find_text(text, "cpu1 ") == !!(all & 2));
	return 0;
}

const struct test smp_tests[] = {
	{ "affinity", affinity },
	{ "affinity_is_inherited", affinity_is_inherited },
	{ "atomic_everywhere", atomic_everywhere },
	{ "tlb_shootdown", tlb_shootdown },
	{ "remap_under_another", remap_under_another },
	{ "ldt_everywhere", ldt_everywhere },
	{ "kill_the_other", kill_the_other },
	{ "work_is_shared", work_is_shared },
	{ "proc_knows_processors", proc_knows_processors },
	{ NULL, NULL },
};
