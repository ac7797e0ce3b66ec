/* Tests of how pages come and go: on demand, shared until written, given back. */
#include "usertests.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PAGE 4096UL
#define PAGES 64L
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

/* Page tables, a stack and what else a fork costs whatever is copied. */
#define OVERHEAD 32L

static long free_pages(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? -1 : (long)info.freeram;
}

static volatile char *anonymous(long pages)
{
	return (volatile char *)mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
}

static void fill(volatile char *memory, long pages, char c)
{
	long i;

	for (i = 0; i < pages; i++)
		memory[i * PAGE] = c;
}

static bool filled_with(volatile char *memory, long pages, char c)
{
	long i;

	for (i = 0; i < pages; i++)
		if (memory[i * PAGE] != c || memory[i * PAGE + 1])
			return false;
	return true;
}

static int sysinfo_counts(void)
{
	struct sysinfo info;

	CHECK(sysinfo(&info) == 0 && info.mem_unit == PAGE && info.procs >= 3);
	CHECK(info.freeram < info.totalram && info.totalram > 1000);
	CHECK(sysinfo((void *)8) == -EFAULT);
	return 0;
}

/* Nothing is taken until it is touched; what is only read takes nothing but tables. */
static int demand_zero(void)
{
	volatile char *memory = anonymous(PAGES);
	long before = free_pages();

	CHECK(filled_with(memory, PAGES, 0) && before - free_pages() <= 4);
	fill(memory, PAGES, 'x');
	CHECK(before - free_pages() >= PAGES && before - free_pages() <= PAGES + 4);
	CHECK(filled_with(memory, PAGES, 'x'));
	CHECK(munmap((unsigned long)memory, PAGES * PAGE) == 0 && before - free_pages() <= 4);
	return 0;
}

/* In the child: reading shares, writing copies, page by page. */
static int child_writes(volatile char *memory, long before)
{
	CHECK(filled_with(memory, PAGES, 'p'));
	CHECK(before - free_pages() < OVERHEAD);
	fill(memory, PAGES / 2, 'c');
	CHECK(before - free_pages() >= PAGES / 2 && before - free_pages() < PAGES / 2 + OVERHEAD);
	CHECK(filled_with(memory, PAGES / 2, 'c') && filled_with(memory + PAGES / 2 * PAGE, PAGES / 2, 'p'));
	return 0;
}

static int copy_on_write(void)
{
	volatile char *memory = anonymous(PAGES);
	long before, after;
	int status;
	pid_t pid;

	fill(memory, PAGES, 'p');
	before = free_pages();
	pid = fork();
	if (pid == 0)
		exit_group(child_writes(memory, before));
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	after = free_pages();
	/* The child's top tables, of which isolation makes two, may still be loaded by a task of the kernel's. */
	CHECK(filled_with(memory, PAGES, 'p') && before - after <= 2);
	/* No one shares them now: writing needs no copies. */
	fill(memory, PAGES, 'q');
	CHECK(after - free_pages() <= 1 && filled_with(memory, PAGES, 'q'));
	return 0;
}

/* The kernel's own stores into a shared page copy it too. */
static int kernel_writes_copy(void)
{
	static struct sysinfo shared;
	int status;
	pid_t pid;

	shared.mem_unit = 1;
	pid = fork();
	if (pid == 0)
		exit_group(sysinfo(&shared) || shared.mem_unit != PAGE);
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	CHECK(shared.mem_unit == 1);
	return 0;
}

static int generations(int left, volatile char *memory)
{
	int status = 0;
	pid_t pid;

	if (!left)
		return filled_with(memory, 4, 'a' + left) ? 0 : 1;
	pid = fork();
	if (pid == 0) {
		fill(memory, 4, 'a' + left - 1);
		exit_group(generations(left - 1, memory));
	}
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	CHECK(filled_with(memory, 4, 'a' + left));
	return 0;
}

/* Many have the same page, and each its own view of it. */
static int copies_of_copies(void)
{
	volatile char *memory = anonymous(4);

	fill(memory, 4, 'a' + 6);
	return generations(6, memory);
}

/* A page that PROT_NONE closes is closed to the kernel too, and keeps what it holds. */
static int protection_none(void)
{
	volatile char *memory = anonymous(1);

	memory[0] = 'k';
	CHECK(mprotect((unsigned long)memory, PAGE, PROT_NONE) == 0);
	CHECK(write(STDOUT_FILENO, (const char *)memory, 1) == -EFAULT);
	CHECK(sysinfo((void *)memory) == -EFAULT);
	CHECK(mprotect((unsigned long)memory, PAGE, PROT_READ) == 0 && memory[0] == 'k');
	CHECK(sysinfo((void *)memory) == -EFAULT);
	CHECK(mprotect((unsigned long)memory, PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(sysinfo((void *)memory) == 0);
	return 0;
}

static int exits_at_once(void)
{
	return 0;
}

static int nothing_leaks(void)
{
	long before, i;

	status_of(exits_at_once);
	before = free_pages();
	for (i = 0; i < 20; i++)
		CHECK(copy_on_write() == 0 && status_of(exits_at_once) == 0);
	CHECK(before - free_pages() <= 20 * PAGES + 8);
	return 0;
}

const struct test paging_tests[] = {
	{ "sysinfo_counts", sysinfo_counts },
	{ "demand_zero", demand_zero },
	{ "copy_on_write", copy_on_write },
	{ "kernel_writes_copy", kernel_writes_copy },
	{ "copies_of_copies", copies_of_copies },
	{ "protection_none", protection_none },
	{ "nothing_leaks", nothing_leaks },
	{ NULL, NULL },
};
