/*
 * Tasks that want all of the processor's time at once, and what they get. From the environment, and so from the
 * kernel's command line: hogs=N (4), nice=N for every second one (0), ms=N the time to run for (200).
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_HOGS 40

static long number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? atol(text) : otherwise;
}

/* Count until killed. The parent is the only one to give way, by sleeping. */
static void hog(long nice)
{
	volatile unsigned long counter = 0;

	setpriority(PRIO_PROCESS, 0, nice);
	for (;;)
		counter++;
}

static void show_sched_debug(void)
{
	char chunk[512];
	int fd = open("/proc/sched_debug", O_RDONLY, 0);
	long n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		write(STDOUT_FILENO, chunk, n);
	close(fd);
}

int main(void)
{
	long hogs = number("hogs", 4), nice = number("nice", 0), ms = number("ms", 200), i;
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	if (hogs < 1 || hogs > MAX_HOGS) {
		printf("hogs: hogs=%ld is not from 1 to %d\n", hogs, MAX_HOGS);
		return 1;
	}
	for (i = 0; i < hogs; i++)
		if (fork() == 0)
			hog(i % 2 ? nice : 0);
	printf("hogs: %ld are there\n", hogs);
	nanosleep(&time, NULL);
	show_sched_debug();
	printf("hogs: done\n");
	return 0;
}
