/* Tests of /proc, and of waiting for several files at once. */
#include "usertests.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLLIN	 1
#define POLLOUT	 4
#define POLLERR	 8
#define POLLHUP	 16
#define POLLNVAL 32

/* A file's whole text, with a terminator; its length or -errno. */
long slurp(const char *path, char *buf, long size)
{
	int fd = open(path, O_RDONLY, 0);
	long n, length = 0;

	if (fd < 0)
		return fd;
	while ((n = read(fd, buf + length, size - 1 - length)) > 0)
		length += n;
	close(fd);
	buf[length] = '\0';
	return n < 0 ? n : length;
}

const char *find_text(const char *in, const char *word)
{
	for (; *in; in++)
		if (!strncmp(in, word, strlen(word)))
			return in;
	return NULL;
}

static int proc_self(void)
{
	char text[4096], line[64];

	CHECK(readlink("/proc/self", text, 64) > 0);
	CHECK(slurp("/proc/self/comm", text, 4096) == 10 && !strcmp(text, "usertests\n"));
	snprintf(line, sizeof(line), "Pid:\t%d\nPPid:\t%d\n", (int)getpid(), (int)getppid());
	CHECK(slurp("/proc/self/status", text, 4096) > 0 && find_text(text, line) && find_text(text, "State:\tR (running)"));
	snprintf(line, sizeof(line), "%d (usertests) R %d ", (int)getpid(), (int)getppid());
	CHECK(slurp("/proc/self/stat", text, 4096) > 0 && !strncmp(text, line, strlen(line)));
	CHECK(readlink("/proc/self/exe", text, 64) == 14 && !memcmp(text, "/bin/usertests", 14));
	CHECK(slurp("/proc/self/maps", text, 4096) > 0 && find_text(text, "00400000-") && find_text(text, "[stack]\n"));
	CHECK(slurp("/proc/self/cmdline", text, 4096) > 0 && find_text(text, "usertests"));
	CHECK(slurp("/proc/self/auxv", text, 4096) % 16 == 0);
	CHECK(open("/proc/99999/stat", O_RDONLY, 0) == -ENOENT && open("/proc/self/nothing", O_RDONLY, 0) == -ENOENT);
	CHECK(open("/proc/new", O_CREAT | O_WRONLY, 0600) == -ENOENT && mkdir("/proc/new", 0755) == -EPERM);
	return 0;
}

static int proc_links(void)
{
	char text[64];
	int fd;

	mkdir("/tmp", 0777);
	CHECK(chdir("/tmp") == 0 && readlink("/proc/self/cwd", text, 64) == 4 && !memcmp(text, "/tmp", 4));
	fd = open("/tmp/gone", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(write(fd, "x", 1) == 1 && unlink("/tmp/gone") == 0);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	CHECK(open(text, O_RDONLY, 0) >= 0);
	CHECK(readlink(text, text, 64) == 19 && !memcmp(text, "/tmp/gone (deleted)", 19));
	return 0;
}

/* Its directory lasts as long as someone has it open; what is in it is gone with the task. */
static int proc_of_the_dead(void)
{
	char path[32], text[256];
	int status, fd;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			sched_yield();
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY, 0);
	CHECK(fd >= 0 && read(fd, text, 16) > 0);
	CHECK(kill(pid, SIGKILL) == 0 && wait4(pid, &status, 0, NULL) == pid);
	CHECK(read(fd, text, 16) == -3 && open(path, O_RDONLY, 0) == -ENOENT);
	return close(fd);
}

static int proc_of_the_system(void)
{
	static const struct { const char *path, *word; } files[] = {
		{ "/proc/version", "Linux version " }, { "/proc/uptime", "." }, { "/proc/loadavg", "0.00 " },
		{ "/proc/meminfo", "MemFree:" }, { "/proc/stat", "ctxt " }, { "/proc/mounts", "proc /proc proc" },
		{ "/proc/interrupts", "timer\n" }, { "/proc/filesystems", "nodev\tproc" }, { "/proc/cpuinfo", " sse2" },
		{ "/proc/sys/kernel/ostype", "Linux\n" }, { "/proc/sys/kernel/osrelease", "6.1.0" },
	};
	static char text[4096];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		CHECK(slurp(files[i].path, text, sizeof(text)) > 0 && find_text(text, files[i].word));
	fd = open("/proc/sys/kernel/hostname", O_WRONLY, 0);
	CHECK(write(fd, "other\n", 6) == 6 && slurp("/proc/sys/kernel/hostname", text, 64) == 6 && !strcmp(text, "other\n"));
	CHECK(sethostname("ringscope", 9) == 0 && sethostname(text, 65) == -EINVAL);
	fd = open("/proc/sys/kernel/printk", O_RDWR, 0);
	CHECK(read(fd, text, 64) > 0 && write(fd, "x", 1) == -EINVAL && write(fd, text, 1) == 1);
	return 0;
}

/* Addresses are for root; the names are for everybody. */
static int kallsyms(void)
{
	static char text[1 << 14], again[100];
	int fd = open("/proc/kallsyms", O_RDONLY, 0);
	long n = read(fd, text, sizeof(text) - 1);

	CHECK(n == sizeof(text) - 1 && !memcmp(text, "ffffffff81000000 T ", 19));
	CHECK(slurp("/proc/kallsyms", text, sizeof(text)) == sizeof(text) - 1 && strstr(text, " T do_syscall_64\n"));
	CHECK(lseek(fd, 1000, SEEK_SET) == 1000 && read(fd, again, 100) == 100 && !memcmp(again, text + 1000, 100));
	CHECK(lseek(fd, 1 << 30, SEEK_SET) == 1 << 30 && read(fd, again, 100) == 0);
	CHECK(setuid(1000) == 0 && read(fd, again, 1) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	CHECK(read(fd, again, 16) == 16 && !memcmp(again, "ffffffff81000000", 16));
	CHECK(slurp("/proc/kallsyms", text, 100) == 99 && !memcmp(text, "0000000000000000 T ", 19));
	return 0;
}

static int polls(void)
{
	struct timespec none = { 0, 0 }, tenth = { 0, 100000000 };
	int fds[2], status;
	char c;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	struct pollfd ends[3] = { { fds[0], POLLIN, 0 }, { fds[1], POLLOUT, 0 }, { -1, POLLIN, 9 } };
	CHECK(poll(ends, 3, -1) == 1 && !ends[0].revents && ends[1].revents == POLLOUT && !ends[2].revents);
	CHECK(poll(ends, 1, 0) == 0 && poll(ends, 1, 20) == 0 && ppoll(ends, 1, &tenth, NULL, 0) == 0);
	CHECK(tenth.tv_sec == 0 && tenth.tv_nsec == 0);
	pid = fork();
	if (pid == 0)
		return poll(ends, 1, 20) || write(fds[1], "x", 1) != 1;
	CHECK(poll(ends, 1, -1) == 1 && ends[0].revents == POLLIN && read(fds[0], &c, 1) == 1);
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	CHECK(close(fds[1]) == 0 && poll(ends, 2, -1) == 2 && ends[0].revents == POLLHUP && ends[1].revents == POLLNVAL);
	CHECK(poll((void *)8, 1, 0) == -EFAULT && poll(ends, 1000, 0) == -EINVAL);
	CHECK(ppoll(ends, 0, &none, NULL, 0) == 0);
	return 0;
}

static int selects(void)
{
	struct timespec none = { 0, 0 };
	uint64_t in, out;
	int fds[2];

	CHECK(pipe(fds) == 0);
	in = 1UL << fds[0];
	out = 1UL << fds[1];
	CHECK(select(fds[1] + 1, &in, &out, NULL, NULL) == 1 && !in && out == 1UL << fds[1]);
	in = 1UL << fds[0];
	CHECK(select(fds[1] + 1, &in, NULL, NULL, &none) == 0 && !in);
	in = 1UL << 60;
	CHECK(select(61, &in, NULL, NULL, &none) == -EBADF && select(-1, NULL, NULL, NULL, &none) == -EINVAL);
	CHECK(select(4, (void *)8, NULL, NULL, &none) == -EFAULT);
	return 0;
}

const struct test proc_tests[] = {
	{ "proc_self", proc_self },
	{ "proc_links", proc_links },
	{ "proc_of_the_dead", proc_of_the_dead },
	{ "proc_of_the_system", proc_of_the_system },
	{ "kallsyms", kallsyms },
	{ "polls", polls },
	{ "selects", selects },
	{ NULL, NULL },
};
