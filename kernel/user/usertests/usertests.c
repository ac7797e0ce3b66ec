/*
 * Checks of the kernel from ring 3: a table of tests, each run in a process of its own, one result line each.
 * A test returns 0, or the line of the check that failed. Arguments choose tests by name.
 */
#include "usertests.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct test *const tables[] = {
	boot_tests,
	process_tests,
	memory_tests,
	paging_tests,
	smaps_tests,
	swap_tests,
	mmap_tests,
	trap_tests,
	signal_tests,
	sigframe_tests,
	interruption_tests,
	terminal_tests,
	thread_tests,
	smp_tests,
	hostile_tests,
	softirq_tests,
	file_tests,
	sched_tests,
	exec_tests,
	entry_tests,
	tree_tests,
	pipe_tests,
	proc_tests,
	log_tests,
	harmful_tests,
};

int status_of(int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		exit_group(fn());
	if (pid < 0 || wait4(pid, &status, 0, NULL) != pid)
		return -1;
	return status;
}

static bool chosen(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static int run_test(const struct test *test)
{
	int status = status_of(test->fn);

	if (status == 0)
		printf("ok   %s\n", test->name);
	else if (WTERMSIG(status))
		printf("FAIL %s: killed by signal %d\n", test->name, WTERMSIG(status));
	else
		printf("FAIL %s: line %d of its file, modulo 256\n", test->name, WEXITSTATUS(status));
	return status != 0;
}

int main(int argc, char **argv)
{
	int failed = 0, run = 0;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct test *test;

		for (test = tables[i]; test->name; test++) {
			if (!chosen(test->name, argv + 1))
				continue;
			failed += run_test(test);
			run++;
		}
	}
	printf("usertests: %d of %d passed\n", run - failed, run);
	return failed != 0;
}
