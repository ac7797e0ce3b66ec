/*
 * What the kernel's services cost, in the time-stamp counter's cycles: one line each, "cost NAME CYCLES". It asks
 * for nothing that Linux would not know, so that the same file can run there too.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE_SIZE	4096L
#define NR_PAGES	256

static const char *self;
static const char nothing[] = "nothing";

static unsigned long rdtsc(void)
{
	unsigned int low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (unsigned long)high << 32;
}

static void system_calls(int n)
{
	while (n--)
		getppid();
}

static void page_faults(int n)
{
	for (; n > 0; n -= NR_PAGES) {
		long start = mmap(0, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		long i;

		for (i = 0; i < NR_PAGES; i++)
			*(volatile char *)(start + i * PAGE_SIZE) = 1;
		munmap(start, NR_PAGES * PAGE_SIZE);
	}
}

/* Two tasks, each of which can go on only when the other has. */
static void context_switches(int n)
{
	int there[2], back[2], status, i;
	char c = 0;
	pid_t pid;

	if (pipe(there) || pipe(back))
		return;
	pid = fork();
	for (i = 0; i < n / 2; i++) {
		if (pid)
			write(there[1], &c, 1);
		read(pid ? back[0] : there[0], &c, 1);
		if (!pid)
			write(back[1], &c, 1);
	}
	if (!pid)
		exit_group(0);
	wait4(pid, &status, 0, NULL);
	for (i = 0; i < 2; i++) {
		close(there[i]);
		close(back[i]);
	}
}

static void forks(int n)
{
	while (n--) {
		pid_t pid = fork();
		int status;

		if (!pid)
			exit_group(0);
		wait4(pid, &status, 0, NULL);
	}
}

/* Run this program again, with an argument that makes it end at once. */
static void forks_and_execs(int n)
{
	const char *argv[] = { self, nothing, NULL };
	const char *envp[] = { NULL };

	while (n--) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			execve(self, argv, envp);
			exit_group(1);
		}
		wait4(pid, &status, 0, NULL);
	}
}

static const struct service {
	const char *name;
	void (*use)(int n);
	int n;
} services[] = {
	{ "syscall", system_calls, 2000 },
	{ "page-fault", page_faults, 8 * NR_PAGES },
	{ "context-switch", context_switches, 1000 },
	{ "fork", forks, 100 },
	{ "fork-exec", forks_and_execs, 100 },
};

/* Once before, so that what only the first time needs is there. */
int main(int argc, char **argv)
{
	size_t i;

	if (argc > 1 && !strcmp(argv[1], nothing))
		return 0;
	self = argv[0];
	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		const struct service *service = &services[i];
		unsigned long begin;

		service->use(service->n / 10);
		begin = rdtsc();
		service->use(service->n);
		printf("cost %s %lu\n", service->name, (rdtsc() - begin) / service->n);
	}
	return 0;
}
