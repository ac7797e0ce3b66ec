/* Programs that mean harm: each dies of it, or is refused, and takes nobody along. */
#include "usertests.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* Over its own return address, whatever lies in between. */
static __attribute__((__noinline__)) int smash(void)
{
	volatile unsigned long frame[4];
	volatile unsigned long *p = frame;
	int i;

	for (i = 0; i < 32; i++)
		p[i] = 0x4141414141414141;
	return frame[0];
}

static int stack_smash(void)
{
	CHECK(WTERMSIG(status_of(smash)) == SIGSEGV);
	return 0;
}

/* Every privileged instruction that is one byte, or two. */
static int privileged(void)
{
	static const unsigned char code[][4] = {
		{ 0xf4 }, { 0xfa }, { 0xfb }, { 0x0f, 0x06 }, { 0x0f, 0x08 }, { 0x0f, 0x09 }, { 0x0f, 0x30 }, { 0x0f, 0x32 },
		{ 0x0f, 0x07 }, { 0xe4, 0x60 }, { 0xe6, 0x80 }, { 0xec }, { 0xee }, { 0x0f, 0x01, 0xf8 },
		{ 0x0f, 0x20, 0xc0 }, { 0x0f, 0x22, 0xd8 }, { 0x0f, 0x00, 0xd8 }, { 0x0f, 0x21, 0xc0 },
	};
	long page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	for (i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		memcpy((void *)page, code[i], sizeof(code[i]));
		CHECK(WTERMSIG(status_of((int (*)(void))page)) == SIGSEGV);
	}
	/* SYSEXIT is none of AMD's instructions in long mode. */
	memcpy((void *)page, (unsigned char[]){ 0x0f, 0x35 }, 2);
	i = WTERMSIG(status_of((int (*)(void))page));
	CHECK(i == SIGSEGV || i == SIGILL);
	return 0;
}

/* Ends by its limit, not by the machine's. */
static int fork_bomb(void)
{
	struct rlimit few = { 20, 20 };
	int made = 0;
	long pid;

	if (setrlimit(RLIMIT_NPROC, &few) || setgid(1000) || setuid(1000))
		return 1;
	while ((pid = fork()) > 0)
		made++;
	if (!pid)
		for (;;)
			sched_yield();
	kill(-1, SIGKILL);
	while (wait4(-1, NULL, 0, NULL) > 0)
		;
	return pid == -EAGAIN && made > 0 && made <= 20 ? 0 : 1;
}

static int bombs_are_limited(void)
{
	CHECK(status_of(fork_bomb) == 0);
	return 0;
}

/* A user's signals reach that user's processes alone. */
static int kills_others(void)
{
	if (setgid(1000) || setuid(1000))
		return 1;
	CHECK(kill(1, SIGTERM) == -EPERM && kill(getppid(), SIGKILL) == -EPERM && kill(getpid(), 0) == 0);
	CHECK(kill(-1, SIGKILL) == -EPERM);
	return 0;
}

static int users_are_apart(void)
{
	CHECK(status_of(kills_others) == 0);
	return 0;
}

/*
 * A file grows until files have half of the memory: an error for who writes, enough is left for the others, and all
 * of it is back when the file is gone.
 */
static int file_hog(void)
{
	static char block[65536];
	struct sysinfo before, after;
	long n = 0;
	int fd;

	mkdir("/tmp", 0777);
	fd = open("/tmp/hog", O_CREAT | O_WRONLY | O_TRUNC, 0600);
	CHECK(fd >= 0 && sysinfo(&before) == 0);
	while ((n = write(fd, block, sizeof(block))) > 0)
		;
	CHECK(n == -ENOSPC);
	CHECK(sysinfo(&after) == 0 && after.freeram > before.freeram / 4);
	CHECK(close(fd) == 0 && unlink("/tmp/hog") == 0 && sysinfo(&after) == 0);
	CHECK(after.freeram + 16 >= before.freeram);
	return 0;
}

const struct test harmful_tests[] = {
	{ "stack_smash", stack_smash },
	{ "privileged", privileged },
	{ "bombs_are_limited", bombs_are_limited },
	{ "users_are_apart", users_are_apart },
	{ "file_hog", file_hog },
	{ NULL, NULL },
};
