/* Tests of what the page tables tell: figures of each area, accessed and dirty bits; and of the page at address 0. */
#include "usertests.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

#define MMAP_PAGE_ZERO		0x0100000
#define READ_IMPLIES_EXEC	0x0400000
#define PER_LINUX32		8
#define PER_ASK			0xffffffff

static char text[16384];

/* KiB that smaps tells of the area from address on; -1 if there is no such figure. */
static long figure(unsigned long address, const char *name)
{
	char line[32];
	const char *at;
	long value = 0;

	if (slurp("/proc/self/smaps", text, sizeof(text)) <= 0)
		return -1;
	snprintf(line, sizeof(line), "%08lx-", address);
	at = find_text(text, line);
	snprintf(line, sizeof(line), "\n%s:", name);
	at = at ? find_text(at, line) : NULL;
	if (!at)
		return -1;
	for (at += strlen(line); *at == ' '; at++)
		;
	for (; *at >= '0' && *at <= '9'; at++)
		value = 10 * value + *at - '0';
	return value;
}

static int smaps_figures(void)
{
	volatile char *at = (volatile char *)mmap(0, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long area = (unsigned long)at;

	/* A hole above and below: an area of its own, whatever lies beside it. */
	CHECK(munmap(area, PAGE) == 0 && munmap(area + 7 * PAGE, PAGE) == 0);
	at += PAGE;
	area += PAGE;
	CHECK(figure(area, "Size") == 24 && figure(area, "Rss") == 0);
	at[0] = at[PAGE] = at[2 * PAGE] = 1;
	CHECK(at[3 * PAGE] == 0 && figure(area, "Rss") == 12);	/* the page of zeros is nobody's */
	CHECK(figure(area, "Pss") == 12 && figure(area, "Private_Dirty") == 12 && figure(area, "Shared_Dirty") == 0);
	CHECK(figure(area, "Anonymous") == 12 && figure(area, "Referenced") == 12 && figure(area, "Swap") == 0);
	CHECK(figure(area, "KernelPageSize") == 4);
	CHECK(find_text(find_text(text, "VmFlags"), "rd wr mr mw me "));
	CHECK(slurp("/proc/self/smaps_rollup", text, sizeof(text)) > 0 && find_text(text, "[rollup]"));
	return 0;
}

/* A page of two processes is half each one's. */
static int smaps_shared(void)
{
	volatile char *at = (volatile char *)mmap(0, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long area = (unsigned long)at;
	int status;
	pid_t pid;

	at[0] = at[PAGE] = 1;
	CHECK(figure(area, "Pss") == 8 && figure(area, "Private_Dirty") == 8);
	pid = fork();
	if (pid == 0) {
		at[0] = 2;	/* a read would map the page beside it too */
		CHECK(figure(area, "Rss") == 4 && figure(area, "Pss") == 2 && figure(area, "Shared_Dirty") == 4);
		CHECK(figure(area, "Anonymous") == 0 && find_text(text, " sh "));
		return 0;
	}
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0 && figure(area, "Pss") == 8);
	return 0;
}

static int write_file(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY, 0);
	long n = write(fd, what, strlen(what));

	close(fd);
	return n;
}

/* The accessed bit is set by the processor when it uses an entry, and by nobody else; so is the dirty bit. */
static int accessed_and_dirty(void)
{
	volatile char *at = (volatile char *)mmap(0, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long area = (unsigned long)at;

	CHECK(munmap(area, PAGE) == 0);
	at += PAGE;
	area += PAGE;
	at[0] = at[PAGE] = at[2 * PAGE] = 1;
	CHECK(figure(area, "Referenced") == 12);
	CHECK(write_file("/proc/self/clear_refs", "1\n") == 2 && figure(area, "Referenced") == 0);
	CHECK(at[PAGE] == 1 && figure(area, "Referenced") == 4 && figure(area, "Private_Dirty") == 12);
	at[2 * PAGE] = 2;
	CHECK(figure(area, "Referenced") == 8 && figure(area, "Rss") == 12);
	CHECK(write_file("/proc/self/clear_refs", "3\n") == 2 && figure(area, "Referenced") == 8);
	CHECK(write_file("/proc/self/clear_refs", "2\n") == 2 && figure(area, "Referenced") == 0);
	CHECK(write_file("/proc/self/clear_refs", "9\n") == -EINVAL);
	return 0;
}

/* What the child, after personality(persona), has in its maps; its first bytes in text. */
static int maps_of(unsigned int persona)
{
	static const char *const argv[] = { "cat", "/proc/self/maps", NULL }, *const envp[] = { NULL };
	int fds[2], status;
	long n, length = 0;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		personality(persona);
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execve("/bin/cat", argv, envp);
		exit_group(1);
	}
	close(fds[1]);
	while ((n = read(fds[0], text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	text[length] = '\0';
	CHECK(close(fds[0]) == 0 && wait4(pid, &status, 0, NULL) == pid && status == 0);
	return 0;
}

static int page_at_zero(void)
{
	CHECK(personality(PER_ASK) == 0 && personality(MMAP_PAGE_ZERO) == 0 && personality(PER_ASK) == MMAP_PAGE_ZERO);
	CHECK(personality(0) == MMAP_PAGE_ZERO && maps_of(0) == 0 && find_text(text, "/bin/cat"));
	CHECK(strncmp(text, "00000000-00001000 r-xp ", 23));
	CHECK(maps_of(MMAP_PAGE_ZERO) == 0 && !strncmp(text, "00000000-00001000 r-xp ", 23));
	return 0;
}

static int as_nobody(void)
{
	CHECK(setuid(1000) == 0);
	CHECK(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == -EPERM);
	CHECK(maps_of(MMAP_PAGE_ZERO) == 0 && strncmp(text, "00000000-", 9));
	return 0;
}

/* The lowest addresses are for root alone: there a null pointer of the kernel's would find what it should not. */
static int low_addresses(void)
{
	CHECK(mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == 0);
	*(volatile long *)8 = 77;
	CHECK(write_file("/proc/self/comm", (const char *)8) == 1 && munmap(0, PAGE) == 0);
	CHECK(status_of(as_nobody) == 0);
	return 0;
}

static int personalities(void)
{
	struct new_utsname name;
	long at;

	CHECK(personality(READ_IMPLIES_EXEC) == 0);
	at = mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(volatile unsigned char *)at = 0xc3;
	((void (*)(void))at)();
	CHECK(personality(PER_LINUX32) == READ_IMPLIES_EXEC && uname(&name) == 0 && !strcmp(name.machine, "i686"));
	CHECK(slurp("/proc/self/personality", text, sizeof(text)) == 9 && !strcmp(text, "00000008\n"));
	CHECK(personality(0) == PER_LINUX32 && uname(&name) == 0 && !strcmp(name.machine, "x86_64"));
	return 0;
}

/* Where there is so much: the direct map's pages are of the largest size that fits. */
static int gigabytes_are_told(void)
{
	CHECK(slurp("/proc/meminfo", text, sizeof(text)) > 0);
	CHECK(find_text(text, "\nDirectMap4k:        2048 kB\nDirectMap2M: "));
	CHECK(find_text(text, "MemTotal:        3145340 kB") == NULL || find_text(text, "\nDirectMap1G:     2097152 kB\n"));
	return 0;
}

#define PAGE_TABLES "/sys/kernel/debug/page_tables/"

/* The kernel's own view of its tables: nothing is writable and executable, and ring 3 has all of its half and no more. */
static int page_tables_dumped(void)
{
	const char *kernel_half;

	CHECK(slurp(PAGE_TABLES "current_user", text, sizeof(text)) > 0);
	kernel_half = find_text(text, "---[ Kernel Space ]---\n");
	CHECK(!strncmp(text, "---[ User Space ]---\n", 21) && kernel_half && !find_text(kernel_half, "USR"));
	CHECK(find_text(text, "USR ro                 x  pte") < kernel_half);
	CHECK(slurp(PAGE_TABLES "kernel", text, sizeof(text)) > 0 && !find_text(text, "USR"));
	CHECK(find_text(text, "---[ vmalloc() Area ]---\n0xffffc900") && find_text(text, "---[ Vmemmap ]---\n0xffffea00"));
	CHECK(find_text(text, " PSE ") && find_text(text, "PWT PCD") && !find_text(text, "RW             GLB x "));
	CHECK(!find_text(text, "RW                 x "));
	return 0;
}

const struct test smaps_tests[] = {
	{ "page_tables_dumped", page_tables_dumped },
	{ "gigabytes_are_told", gigabytes_are_told },
	{ "smaps_figures", smaps_figures },
	{ "smaps_shared", smaps_shared },
	{ "accessed_and_dirty", accessed_and_dirty },
	{ "page_at_zero", page_at_zero },
	{ "low_addresses", low_addresses },
	{ "personalities", personalities },
	{ NULL, NULL },
};
