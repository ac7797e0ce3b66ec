/* Tests of the terminal: settings, sessions, and who may use it. Nobody types here. */
#include "usertests.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#define POLLIN	1
#define POLLOUT	4

static int open_tty(void)
{
	return open("/dev/ttyS0", O_RDWR | O_NOCTTY, 0);
}

static int settings(void)
{
	struct termios old, raw, now;
	int fd = open_tty();

	CHECK(fd >= 0 && ioctl(fd, TCGETS, (long)&old) == 0);
	CHECK((old.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG) && old.c_cc[VINTR] == 3);
	raw = old;
	raw.c_lflag &= ~(ICANON | ECHO | ISIG);
	CHECK(ioctl(fd, TCSETS, (long)&raw) == 0 && ioctl(fd, TCGETS, (long)&now) == 0);
	CHECK(now.c_lflag == raw.c_lflag);
	CHECK(ioctl(fd, TCSETS, (long)&old) == 0);
	CHECK(ioctl(fd, TCGETS, 8) == -EFAULT && ioctl(fd, 0x9999, 0) == -ENOTTY);
	return 0;
}

static int other_files_are_none(void)
{
	struct termios settings;
	int fd = open("/etc/motd", O_RDONLY, 0), fds[2];

	CHECK(fd >= 0 && ioctl(fd, TCGETS, (long)&settings) == -ENOTTY);
	CHECK(pipe(fds) == 0 && ioctl(fds[0], TCGETS, (long)&settings) == -ENOTTY);
	CHECK(ioctl(99, TCGETS, (long)&settings) == -EBADF);
	return 0;
}

static int window_size(void)
{
	struct winsize size = { 25, 80, 0, 0 }, now, old;
	int fd = open_tty();

	CHECK(ioctl(fd, TIOCGWINSZ, (long)&old) == 0 && ioctl(fd, TIOCSWINSZ, (long)&size) == 0);
	CHECK(ioctl(fd, TIOCGWINSZ, (long)&now) == 0 && now.ws_row == 25 && now.ws_col == 80);
	CHECK(ioctl(fd, TIOCSWINSZ, (long)&old) == 0);
	return 0;
}

/* With VMIN 0 a reader takes what there is, and VTIME is how long it waits for anything. */
static int read_with_a_limit(void)
{
	struct termios old, raw;
	struct timespec before, after;
	int fd = open_tty();
	char c;

	ioctl(fd, TCGETS, (long)&old);
	raw = old;
	raw.c_lflag &= ~(unsigned int)ICANON;
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	ioctl(fd, TCSETS, (long)&raw);
	while (read(fd, &c, 1) == 1)	/* what was typed before */
		;
	CHECK(read(fd, &c, 1) == 0);
	raw.c_cc[VTIME] = 1;
	ioctl(fd, TCSETS, (long)&raw);
	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK(read(fd, &c, 1) == 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ioctl(fd, TCSETS, (long)&old);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 90000000);
	return 0;
}

static int poll_terminal(void)
{
	struct pollfd fds = { open_tty(), POLLIN | POLLOUT, 0 };
	char c;

	CHECK(poll(&fds, 1, -1) == 1 && fds.revents == POLLOUT);
	fds.events = POLLIN;
	CHECK(poll(&fds, 1, 20) == 0 && fds.revents == 0);
	CHECK(read(open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_NONBLOCK, 0), &c, 1) == -EAGAIN);
	return 0;
}

/* A new session has no terminal; its leader takes one, and then /dev/tty is that. */
static int new_session(void)
{
	int group, session, fd = open_tty();

	CHECK(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
	CHECK(setsid() == -EPERM && setpgid(0, 0) == -EPERM);
	CHECK(open("/dev/tty", O_RDWR, 0) == -ENXIO);
	CHECK(ioctl(fd, TIOCGPGRP, (long)&group) == -ENOTTY);
	CHECK(ioctl(fd, TIOCSCTTY, 1) == 0);
	CHECK(open("/dev/tty", O_RDWR, 0) >= 0);
	CHECK(ioctl(fd, TIOCGPGRP, (long)&group) == 0 && group == getpid());
	CHECK(ioctl(fd, TIOCGSID, (long)&session) == 0 && session == getpid());
	CHECK(ioctl(fd, TIOCSPGRP, (long)&(int) { 1 }) == -EPERM);
	return 0;
}

/* A session of its own around a test, so that none is left to the next. */
static int in_a_session(int (*fn)(void))
{
	int status, fd = open_tty();
	pid_t pid = fork();

	if (pid == 0) {
		if (setsid() < 0 || ioctl(fd, TIOCSCTTY, 1) < 0)
			exit_group(1);
		exit_group(fn());
	}
	return wait4(pid, &status, 0, NULL) == pid ? status : -1;
}

static int wait_for(pid_t pid, int options)
{
	int status = -1;

	return wait4(pid, &status, options, NULL) > 0 ? status : -1;
}

/* A group that is not in the foreground is stopped when it reads, and goes on reading when it is. */
static int background_child(void)
{
	int fd = open_tty();
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		setpgid(0, 0);
		exit_group(read(fd, &c, 1) < 0 ? 2 : 3);
	}
	CHECK(wait_for(pid, WUNTRACED) == (SIGTTIN << 8 | 0x7f));
	CHECK(kill(-pid, SIGCONT) == 0 && wait_for(pid, WUNTRACED) == (SIGTTIN << 8 | 0x7f));
	CHECK(kill(-pid, SIGKILL) == 0 && wait_for(pid, 0) == SIGKILL);
	return 0;
}

/* One that ignores the signal gets an error; one that wants to change the terminal is stopped too. */
static int ignoring_child(void)
{
	struct termios settings;
	int fd = open_tty();
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTIN, SIG_IGN);
		if (read(fd, &c, 1) != -EIO)
			exit_group(1);
		ioctl(fd, TCGETS, (long)&settings);
		exit_group(ioctl(fd, TCSETS, (long)&settings) == 0 ? 2 : 3);
	}
	CHECK(wait_for(pid, WUNTRACED) == (SIGTTOU << 8 | 0x7f));
	CHECK(ioctl(fd, TIOCSPGRP, (long)&pid) == 0 && kill(pid, SIGCONT) == 0);
	CHECK(wait_for(pid, WUNTRACED) == 2 << 8);
	return 0;
}

/* The leader's end is told to the foreground by SIGHUP. */
static int hangup_child(void)
{
	struct timespec long_time = { 5, 0 };
	pid_t pid = fork();

	if (pid == 0) {
		nanosleep(&long_time, NULL);
		exit_group(0);
	}
	return 0;
}

static int sessions(void)
{
	CHECK(status_of(new_session) == 0);
	return 0;
}

static int background_groups(void)
{
	CHECK(in_a_session(background_child) == 0);
	CHECK(in_a_session(ignoring_child) == 0);
	CHECK(in_a_session(hangup_child) == 0);
	return 0;
}

static int groups(void)
{
	pid_t pid = fork();

	if (pid == 0)
		return pause();
	CHECK(setpgid(pid, pid) == 0 && getpgid(pid) == pid && getsid(pid) == getsid(0));
	CHECK(setpgid(pid, 1) == -EPERM && setpgid(1, 1) == -ESRCH && setpgid(0, -1) == -EINVAL);
	CHECK(kill(-pid, SIGSTOP) == 0 && wait_for(-pid, WUNTRACED) == (SIGSTOP << 8 | 0x7f));
	CHECK(kill(pid, SIGCONT) == 0 && wait_for(pid, WCONTINUED) == 0xffff);
	CHECK(kill(-pid, SIGTERM) == 0 && wait_for(-pid, 0) == SIGTERM);
	CHECK(kill(-pid, 0) == -ESRCH);
	return 0;
}

const struct test terminal_tests[] = {
	{ "settings", settings },
	{ "other_files_are_none", other_files_are_none },
	{ "window_size", window_size },
	{ "read_with_a_limit", read_with_a_limit },
	{ "poll_terminal", poll_terminal },
	{ "sessions", sessions },
	{ "background_groups", background_groups },
	{ "groups", groups },
	{ NULL, NULL },
};
