/* Tests of the swap disk: more memory than there is. Without swap=on there is nothing to test. */
#include "usertests.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PAGE 4096UL
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

/* Pages that are looked at again: all would take as many from the disk, and as many to it. */
#define LOOKED_AT 96L

/* What is free, and some; the first pages are then on the disk. */
static long more_than_free(void)
{
	struct sysinfo info;

	if (sysinfo(&info) || !info.totalswap)
		return 0;
	return info.freeram + LOOKED_AT;
}

static long used_swap(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? -1 : (long)(info.totalswap - info.freeswap);
}

static unsigned long word_of(unsigned long page, unsigned long seed)
{
	return (page + seed) * 0x9e3779b97f4a7c15UL;
}

static volatile unsigned long *hog(long pages, unsigned long seed)
{
	volatile unsigned long *memory;
	long i;

	memory = (volatile unsigned long *)mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	for (i = 0; (long)memory > 0 && i < pages; i++)
		memory[i * PAGE / 8 + i % 512] = word_of(i, seed);
	return memory;
}

static bool holds(volatile unsigned long *memory, long pages, unsigned long seed)
{
	long i;

	for (i = 0; i < pages && i < LOOKED_AT; i++)
		if (memory[i * PAGE / 8 + i % 512] != word_of(i, seed))
			return false;
	return true;
}

static int pages_out_and_in(void)
{
	long pages = more_than_free();
	volatile unsigned long *memory;

	if (!pages)
		return 0;
	memory = hog(pages, 1);
	CHECK((long)memory > 0 && used_swap() >= LOOKED_AT);
	CHECK(holds(memory, pages, 1) && holds(memory, pages, 1));
	CHECK(munmap((unsigned long)memory, pages * PAGE) == 0);
	return 0;
}

/* Parent and child have the same pages on the disk, until one writes. */
static int swapped_and_shared(void)
{
	long pages = more_than_free();
	volatile unsigned long *memory;
	int status;
	pid_t pid;

	if (!pages)
		return 0;
	memory = hog(pages, 2);
	CHECK((long)memory > 0);
	pid = fork();
	if (pid == 0) {
		long i;

		if (!holds(memory, pages, 2))
			exit_group(1);
		for (i = 0; i < LOOKED_AT / 2; i++)
			memory[i * PAGE / 8 + i % 512] = word_of(i, 3);
		exit_group(!holds(memory, LOOKED_AT / 2, 3));
	}
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	CHECK(holds(memory, pages, 2));
	return 0;
}

/* The kernel reads and writes what is on the disk. */
static int kernel_finds_it(void)
{
	long pages = more_than_free(), i;
	struct sysinfo *info;
	volatile unsigned long *memory;

	if (!pages)
		return 0;
	info = (struct sysinfo *)hog(1, 4);
	memory = hog(pages, 5);
	CHECK((long)memory > 0 && sysinfo(info) == 0 && info->mem_unit == PAGE);
	for (i = 0; i < LOOKED_AT; i += 10)
		CHECK(write(-1, (char *)&memory[i * PAGE / 8], 8) == -EBADF);
	CHECK(mprotect((unsigned long)memory, pages * PAGE, PROT_READ) == 0 && holds(memory, pages, 5));
	return 0;
}

static int in_children(void)
{
	long before = used_swap();

	CHECK(status_of(pages_out_and_in) == 0 && status_of(swapped_and_shared) == 0);
	CHECK(status_of(kernel_finds_it) == 0);
	/* All of it came back; what others of us had to give up may stay out. */
	CHECK(used_swap() - before < 400);
	return 0;
}

/* More than memory and disk together: the one who asks for it ends, and nobody else. */
static int hog_dies_alone(void)
{
	struct sysinfo info;
	int status;
	pid_t pid;

	CHECK(sysinfo(&info) == 0);
	if (!info.totalswap || info.totalswap > 1024)
		return 0;
	pid = fork();
	if (pid == 0)
		exit_group((long)hog(info.freeram, 6) > 0 && (long)hog(info.totalswap + 512, 7) > 0);
	CHECK(wait4(pid, &status, 0, NULL) == pid && WTERMSIG(status) == SIGKILL);
	return 0;
}

const struct test swap_tests[] = {
	{ "pages_out_and_in", pages_out_and_in },
	{ "swapped_and_shared", swapped_and_shared },
	{ "kernel_finds_it", kernel_finds_it },
	{ "swap_comes_back", in_children },
	{ "hog_dies_alone", hog_dies_alone },
	{ NULL, NULL },
};
