/* Tests of what interrupts put off: where tasklets run, and that they leave the rest of the system its time. */
#include "usertests.h"

#include <string.h>
#include <unistd.h>

#define STORM "/sys/kernel/debug/tasklet_storm"

/* The number behind a word in the file's line; -1 if the word is not there. */
static long figure(const char *word)
{
	char line[128] = { 0 };
	int fd = open(STORM, O_RDONLY, 0);
	size_t length = strlen(word);
	const char *p;
	long value = 0;

	read(fd, line, sizeof(line) - 1);
	close(fd);
	for (p = line; *p && strncmp(p, word, length); p++)
		;
	if (!*p)
		return -1;
	for (p += length + 1; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + *p - '0';
	return value;
}

static long storm(const char *rounds)
{
	int fd = open(STORM, O_WRONLY, 0);
	long ret = write(fd, rounds, strlen(rounds));

	close(fd);
	return ret;
}

/* Too much for the end of an interrupt: ksoftirqd takes over, and this program runs beside it. */
static int ksoftirqd_takes_over(void)
{
	struct timespec tick = { 0, 4000000 };
	long loops = 0;

	CHECK(storm("200000") == 6);
	while (figure("left") > 0) {
		nanosleep(&tick, NULL);
		loops++;
	}
	CHECK(figure("left") == 0 && figure("elsewhere") == 0 && figure("task") == 1);
	CHECK(figure("ksoftirqd") > figure("irq_exit") && loops > 1);
	return 0;
}

static int storm_errors(void)
{
	CHECK(storm("0") == -EINVAL && storm("-5") == -EINVAL && storm("99999999") == -EINVAL && storm("") == -EINVAL);
	return 0;
}

static int softirqs_are_counted(void)
{
	char text[256] = { 0 };
	int fd = open("/proc/softirqs", O_RDONLY, 0);
	const char *p;

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	for (p = text; *p && strncmp(p, "TIMER:", 6); p++)
		;
	CHECK(*p);
	return 0;
}

const struct test softirq_tests[] = {
	{ "ksoftirqd_takes_over", ksoftirqd_takes_over },
	{ "storm_errors", storm_errors },
	{ "softirqs_are_counted", softirqs_are_counted },
	{ NULL, NULL },
};
