/* Tests of the scheduler: nice values, and that nobody waits for ever unless the policy says so. */
#include "usertests.h"

#include <string.h>
#include <unistd.h>

static int nice_is_kept(void)
{
	CHECK(getpriority(PRIO_PROCESS, 0) == 20);
	CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0);
	CHECK(getpriority(PRIO_PROCESS, getpid()) == 15);
	CHECK(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 1);
	CHECK(setpriority(PRIO_PROCESS, 0, -100) == 0 && getpriority(PRIO_PROCESS, 0) == 40);
	return 0;
}

static int child_nice(void)
{
	return getpriority(PRIO_PROCESS, 0);
}

static int nice_is_inherited(void)
{
	CHECK(setpriority(PRIO_PROCESS, 0, 7) == 0);
	CHECK(status_of(child_nice) == 13 << 8);
	return 0;
}

static int nice_of_nobody(void)
{
	CHECK(getpriority(PRIO_PROCESS, 99999) == -ESRCH);
	CHECK(setpriority(PRIO_PROCESS, 99999, 0) == -ESRCH);
	CHECK(getpriority(3, 0) == -EINVAL);
	CHECK(setpriority(-1, 0, 0) == -EINVAL);
	return 0;
}

static char text[8192];

static size_t read_sched_debug(size_t chunk)
{
	int fd = open("/proc/sched_debug", O_RDONLY, 0);
	size_t length = 0;
	long n;

	memset(text, 0, sizeof(text));
	while ((n = read(fd, text + length, chunk)) > 0)
		length += n;
	close(fd);
	return n < 0 ? 0 : length;
}

/* Its length stays, so long as the same tasks are there: columns are of fixed width. */
static int sched_debug_in_pieces(void)
{
	CHECK(read_sched_debug(4096) > 300);
	CHECK(strstr(text, "policy ") && strstr(text, "usertests"));
	CHECK(read_sched_debug(7) > 300);
	CHECK(strstr(text, ">R usertests"));
	return 0;
}

const struct test sched_tests[] = {
	{ "nice_is_kept", nice_is_kept },
	{ "nice_is_inherited", nice_is_inherited },
	{ "nice_of_nobody", nice_of_nobody },
	{ "sched_debug_in_pieces", sched_debug_in_pieces },
	{ NULL, NULL },
};
