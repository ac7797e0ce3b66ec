/* Tests of calls that a signal interrupts, and of timers, which send one. */
#include "handlers.h"
#include "usertests.h"

#include <signal.h>
#include <unistd.h>

static long handle(int sig, unsigned long flags)
{
	struct sigaction act = { .sa_handler = counts, .sa_flags = flags };

	return sigaction(sig, &act, NULL);
}

static int interrupted_pause(unsigned long flags)
{
	struct itimerval soon = { .it_value = { 0, 10000 } };

	count = 0;
	handle(SIGALRM, flags);
	setitimer(ITIMER_REAL, &soon, NULL);
	return pause();
}

static int pause_is_interrupted(void)
{
	CHECK(interrupted_pause(0) == -EINTR && count == 1);
	CHECK(interrupted_pause(SA_RESTART) == -EINTR && count == 1);
	return 0;
}

/* wait4 is made again after a handler with SA_RESTART, and fails after one without. */
static int restarts(void)
{
	struct itimerval soon = { .it_value = { 0, 10000 } };
	struct timespec later = { 0, 40000000 };
	int status, round;

	for (round = 0; round < 2; round++) {
		pid_t pid = fork();

		if (pid == 0) {
			nanosleep(&later, NULL);
			exit_group(5);
		}
		count = 0;
		handle(SIGALRM, round ? SA_RESTART : 0);
		setitimer(ITIMER_REAL, &soon, NULL);
		if (round == 0)
			CHECK(wait4(pid, &status, 0, NULL) == -EINTR && count == 1);
		CHECK(wait4(pid, &status, 0, NULL) == pid && WEXITSTATUS(status) == 5);
		CHECK(count == 1);
	}
	return 0;
}

static int sleep_is_interrupted(void)
{
	struct itimerval soon = { .it_value = { 0, 10000 } };
	struct timespec second = { 1, 0 }, rest = { 0, 0 };

	handle(SIGALRM, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK(nanosleep(&second, &rest) == -EINTR && count == 1);
	CHECK(rest.tv_sec == 0 && rest.tv_nsec > 900000000);
	return 0;
}

static int interval_timer(void)
{
	struct itimerval often = { { 0, 4000 }, { 0, 4000 } }, off = { { 0, 0 }, { 0, 0 } }, old;

	handle(SIGALRM, 0);
	CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
	while (count < 3)
		pause();
	CHECK(setitimer(ITIMER_REAL, &off, &old) == 0 && old.it_interval.tv_usec == 4000);
	CHECK(alarm(100) == 0 && alarm(0) == 100 && alarm(0) == 0);
	CHECK(setitimer(3, &off, NULL) == -EINVAL);
	return 0;
}

/* Counts what the process runs, so it has to. */
static int virtual_timer(void)
{
	struct itimerval soon = { .it_value = { 0, 8000 } };

	handle(SIGVTALRM, 0);
	setitimer(ITIMER_VIRTUAL, &soon, NULL);
	while (!count)
		;
	CHECK(last == SIGVTALRM);
	return 0;
}

static int suspend_waits(void)
{
	struct itimerval soon = { .it_value = { 0, 10000 } };
	unsigned long mask;

	handle(SIGALRM, 0);
	sigprocmask(SIG_BLOCK, sigmask(SIGALRM), NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK(sigsuspend(0) == -EINTR && count == 1);
	sigprocmask(SIG_BLOCK, 0, &mask);
	CHECK(mask == sigmask(SIGALRM));
	return 0;
}

static int timed_wait(void)
{
	sigset_t set = { sigmask(SIGUSR1) };
	struct timespec short_time = { 0, 5000000 };
	siginfo_t info;

	sigprocmask(SIG_BLOCK, set.sig, NULL);
	CHECK(rt_sigtimedwait(&set, &info, &short_time, 8) == -EAGAIN);
	kill(getpid(), SIGUSR1);
	CHECK(rt_sigtimedwait(&set, &info, NULL, 8) == SIGUSR1 && info.si_pid == getpid());
	return 0;
}

const struct test interruption_tests[] = {
	{ "pause_is_interrupted", pause_is_interrupted },
	{ "restarts", restarts },
	{ "sleep_is_interrupted", sleep_is_interrupted },
	{ "interval_timer", interval_timer },
	{ "virtual_timer", virtual_timer },
	{ "suspend_waits", suspend_waits },
	{ "timed_wait", timed_wait },
	{ NULL, NULL },
};
