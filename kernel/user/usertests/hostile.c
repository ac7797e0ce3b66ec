/* Programs that want too much: forks without end, signals without end, and what is left of them afterwards. */
#include "usertests.h"

#include <sched.h>
#include <signal.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static unsigned long free_pages(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return info.freeram / 4096;
}

/* Until nobody can fork any more: then all are killed as one group. */
static int bomb(void)
{
	setpgid(0, 0);
	for (;;) {
		long pid = fork();

		if (pid == -EAGAIN || pid == -ENOMEM)
			kill(0, SIGKILL);
	}
}

static int fork_bomb(void)
{
	CHECK(status_of(bomb) == SIGKILL);
	while (wait4(-1, NULL, 0, NULL) > 0)
		;
	CHECK(status_of(bomb) == SIGKILL);
	return 0;
}

static volatile int handled;

static void counts(int sig)
{
	handled++;
}

static int fires(pid_t target)
{
	int i, sig;

	for (i = 0; i < 100; i++)
		for (sig = 1; sig <= 64; sig++)
			if (sig != SIGKILL && sig != SIGSTOP)
				kill(target, sig);
	return 0;
}

/* Every signal from three sides, most of them while the handler of another runs. */
static int storm(void)
{
	int i, sig, status;
	long pid;

	for (sig = 1; sig <= 64; sig++)
		signal(sig, counts);
	for (i = 0; i < 3; i++) {
		while ((pid = fork()) < 0)	/* others may not have died yet of the test before */
			sched_yield();
		if (pid == 0)
			exit_group(fires(getppid()));
	}
	for (i = 0; i < 3;)
		if (wait4(-1, &status, 0, NULL) > 0)
			i++;
	return handled > 64 ? 0 : 1;
}

static int signals_from_all_sides(void)
{
	CHECK(status_of(storm) == 0);
	return 0;
}

/* A handler whose own faults call it again, down to the end of the stack. */
static void faults_again(int sig)
{
	*(volatile int *)8 = 0;
}

static int endless_fault_child(void)
{
	struct sigaction act = { .sa_handler = faults_again, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &act, NULL);
	faults_again(0);
	return 0;
}

static int endless_fault(void)
{
	CHECK(status_of(endless_fault_child) == SIGSEGV);
	return 0;
}

static int pauses(void *arg)
{
	for (;;)
		pause();
}

#define MOST_THREADS 2000

static char stacks[MOST_THREADS][512] __attribute__((__aligned__(16)));

/* Threads that are never joined go with their process. */
static int thread_bomb_child(void)
{
	static int tid;
	int i;

	for (i = 0; i < MOST_THREADS; i++)
		if (thread_create(THREAD_FLAGS & ~CLONE_CHILD_CLEARTID, stacks[i + 1], &tid, NULL, pauses, NULL) < 0)
			return i > 100 ? 0 : 1;
	return 2;
}

static int thread_bomb(void)
{
	CHECK(status_of(thread_bomb_child) == 0);
	return 0;
}

/* Broken list of robust futexes, wild clear_child_tid: the kernel follows neither further than it may. */
static int wild_pointers_child(void)
{
	static unsigned long loop[3];

	loop[0] = (unsigned long)loop + 8;
	loop[1] = loop[0];
	set_robust_list(loop, 24);
	set_tid_address((int *)0xffffffff81000000UL);
	return 0;
}

static int wild_pointers(void)
{
	CHECK(status_of(wild_pointers_child) == 0);
	return 0;
}

/* What they held is free again. */
static int nothing_is_lost(void)
{
	static int (*const all[])(void) = {
		fork_bomb, signals_from_all_sides, endless_fault, thread_bomb, wild_pointers,
	};
	unsigned long before;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		CHECK(status_of(all[i]) == 0);
	before = free_pages();
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		CHECK(status_of(all[i]) == 0);
	CHECK(free_pages() + 16 >= before);
	return 0;
}

const struct test hostile_tests[] = {
	{ "fork_bomb", fork_bomb },
	{ "signals_from_all_sides", signals_from_all_sides },
	{ "endless_fault", endless_fault },
	{ "thread_bomb", thread_bomb },
	{ "wild_pointers", wild_pointers },
	{ "nothing_is_lost", nothing_is_lost },
	{ NULL, NULL },
};
