/* Tests of the kernel's log: /dev/kmsg's records and syslog's text. */
#include "usertests.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char log[1 << 15];

static bool contains(const char *text, long n, const char *word)
{
	long i, length = strlen(word);

	for (i = 0; i + length <= n; i++)
		if (!memcmp(text + i, word, length))
			return true;
	return false;
}

/* A record's number: behind the first comma. */
static unsigned long number_of(const char *record)
{
	unsigned long number = 0;

	while (*record++ != ',')
		;
	while (*record >= '0' && *record <= '9')
		number = number * 10 + *record++ - '0';
	return number;
}

static int log_as_text(void)
{
	int fd = open("/dev/kmsg", O_WRONLY, 0);
	long n;

	CHECK(fd >= 0 && write(fd, "<6>usertests: to the log", 24) == 24);
	n = syslog(SYSLOG_ACTION_READ_ALL, log, sizeof(log));
	CHECK(n > 0 && contains(log, n, "<14>[") && contains(log, n, "] usertests: to the log\n"));
	CHECK(contains(log, n, "<5>[    0."));
	CHECK(syslog(99, log, 1) == -EINVAL && syslog(SYSLOG_ACTION_READ_ALL, log, -1) == -EINVAL);
	CHECK(syslog(SYSLOG_ACTION_READ_ALL, (char *)8, 100) == -EFAULT);
	/* Whole records only, the newest that fit. */
	n = syslog(SYSLOG_ACTION_READ_ALL, log, 100);
	CHECK(n > 40 && n <= 100 && log[0] == '<' && log[n - 1] == '\n' && contains(log, n, "usertests: to the log\n"));
	CHECK(syslog(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0) == 1 << 15);
	return 0;
}

static int log_record_by_record(void)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK, 0);
	unsigned long number;
	long n;

	CHECK(read(fd, log, 10) == -EINVAL);
	n = read(fd, log, sizeof(log));
	CHECK(n > 0 && !memcmp(log, "5,0,0,-;Linux version 6.1.0", 27) && log[n - 1] == '\n');
	CHECK(read(fd, log, sizeof(log)) > 0 && number_of(log) == 1);
	CHECK(lseek(fd, 0, SEEK_END) == 0 && read(fd, log, sizeof(log)) == -EAGAIN);
	CHECK(write(fd, "<12>a\\b\tc\n", 10) == 10);
	n = read(fd, log, sizeof(log));
	CHECK(n > 0 && !memcmp(log, "12,", 3) && contains(log, n, ",-;a\\x5cb\\x09c\n"));
	number = number_of(log);
	CHECK(write(fd, "no level", 8) == 8 && read(fd, log, sizeof(log)) > 0);
	CHECK(!memcmp(log, "12,", 3) && number_of(log) == number + 1);
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, log, sizeof(log)) > 0 && number_of(log) == 0);
	CHECK(lseek(fd, 1, SEEK_SET) == -ESPIPE && write(fd, log, 4096) == -EINVAL);
	return 0;
}

/* Old records give way; who has not read them is told once. */
static int log_wraps(void)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK, 0), i;
	unsigned long number, last = 0;
	char text[200];
	long n;

	memset(text, 'x', sizeof(text));
	memcpy(text, "<7>", 3);
	for (i = 0; i < 600; i++)
		CHECK(write(fd, text, 3 + i % 190) == 3 + i % 190);
	CHECK(read(fd, log, sizeof(log)) == -EPIPE);
	for (i = 0; (n = read(fd, log, sizeof(log))) > 0; i++, last = number) {
		number = number_of(log);
		CHECK(!i || number == last + 1);
	}
	CHECK(n == -EAGAIN && i > 150 && i <= 512);
	n = syslog(SYSLOG_ACTION_READ_ALL, log, sizeof(log));
	CHECK(n > 20000 && log[0] == '<' && log[n - 1] == '\n');
	return 0;
}

static int log_readers_sleep(void)
{
	int fd = open("/dev/kmsg", O_RDWR, 0), status;
	pid_t pid;

	CHECK(lseek(fd, 0, SEEK_END) == 0);
	pid = fork();
	if (pid == 0) {
		struct timespec tenth = { 0, 100000000 };

		return nanosleep(&tenth, NULL) || write(fd, "<7>at last", 10) != 10;
	}
	CHECK(read(fd, log, sizeof(log)) > 0 && contains(log, 64, "at last\n"));
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	return 0;
}

static int log_levels(void)
{
	int fd = open("/proc/sys/kernel/printk", O_RDONLY, 0);
	char level;

	CHECK(syslog(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, 0) == -EINVAL);
	CHECK(syslog(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, 9) == -EINVAL);
	CHECK(syslog(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, 3) == 0);
	CHECK(read(fd, &level, 1) == 1 && level == '3' && lseek(fd, 0, SEEK_SET) == 0);
	CHECK(syslog(SYSLOG_ACTION_CONSOLE_OFF, NULL, 0) == 0 && read(fd, &level, 1) == 1 && level == '1');
	CHECK(syslog(SYSLOG_ACTION_CONSOLE_ON, NULL, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	CHECK(read(fd, &level, 1) == 1 && level == '3');
	CHECK(syslog(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, 7) == 0);
	return 0;
}

static int log_cleared(void)
{
	CHECK(syslog(SYSLOG_ACTION_READ_CLEAR, log, sizeof(log)) > 0);
	CHECK(syslog(SYSLOG_ACTION_READ_ALL, log, sizeof(log)) == 0);
	return 0;
}

static int log_belongs_to_root(void)
{
	CHECK(setuid(1000) == 0);
	CHECK(syslog(SYSLOG_ACTION_READ_ALL, log, sizeof(log)) >= 0);
	CHECK(syslog(SYSLOG_ACTION_CLEAR, NULL, 0) == -EPERM && syslog(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, 7) == -EPERM);
	return 0;
}

const struct test log_tests[] = {
	{ "log_as_text", log_as_text },
	{ "log_record_by_record", log_record_by_record },
	{ "log_wraps", log_wraps },
	{ "log_readers_sleep", log_readers_sleep },
	{ "log_levels", log_levels },
	{ "log_cleared", log_cleared },
	{ "log_belongs_to_root", log_belongs_to_root },
	{ NULL, NULL },
};
