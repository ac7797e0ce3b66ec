/* Tests of signals: handlers, masks, queues, default actions; sigframes.c has the handlers' frames. */
#include "handlers.h"
#include "usertests.h"

#include <signal.h>
#include <unistd.h>

static volatile int nested;

static long handle(int sig, unsigned long flags)
{
	struct sigaction act = { .sa_sigaction = remembers, .sa_flags = SA_SIGINFO | flags };

	return sigaction(sig, &act, NULL);
}

static int handler_runs(void)
{
	CHECK(signal(SIGUSR1, counts) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0 && count == 1 && last == SIGUSR1);
	CHECK(signal(SIGUSR1, SIG_IGN) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0 && count == 1);
	return 0;
}

static int siginfo_of_kill(void)
{
	CHECK(handle(SIGUSR2, 0) == 0);
	CHECK(kill(getpid(), SIGUSR2) == 0 && count == 1);
	CHECK(last_info.si_signo == SIGUSR2 && last_info.si_code == SI_USER && last_info.si_pid == getpid());
	CHECK(tgkill(getpid(), gettid(), SIGUSR2) == 0 && last_info.si_code == SI_TKILL);
	return 0;
}

static int mask_holds_back(void)
{
	unsigned long old;

	signal(SIGUSR1, counts);
	CHECK(sigprocmask(SIG_BLOCK, sigmask(SIGUSR1), &old) == 0 && old == 0);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK(count == 0 && sigpending() == sigmask(SIGUSR1));
	CHECK(sigprocmask(SIG_UNBLOCK, sigmask(SIGUSR1), NULL) == 0);
	CHECK(count == 1 && sigpending() == 0);
	CHECK(sigprocmask(SIG_SETMASK, ~0UL, NULL) == 0 && sigprocmask(SIG_BLOCK, 0, &old) == 0);
	CHECK(old == ~(sigmask(SIGKILL) | sigmask(SIGSTOP)));
	CHECK(sigprocmask(7, 0, NULL) == -EINVAL);
	return 0;
}

static long order;

static void notes_value(int sig, siginfo_t *info, void *context)
{
	remembers(sig, info, context);
	order = order * 10 + info->si_value;
}

/* Of a real-time signal every one arrives, in order, with its value. */
static int realtime_queues(void)
{
	struct sigaction act = { .sa_sigaction = notes_value, .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_code = SI_QUEUE };
	int i;

	sigaction(SIGRTMIN + 1, &act, NULL);
	sigprocmask(SIG_BLOCK, sigmask(SIGRTMIN + 1), NULL);
	for (i = 1; i <= 3; i++) {
		info.si_value = i;
		CHECK(rt_sigqueueinfo(getpid(), SIGRTMIN + 1, &info) == 0);
	}
	sigprocmask(SIG_UNBLOCK, sigmask(SIGRTMIN + 1), NULL);
	CHECK(count == 3 && order == 123);
	return 0;
}

static void sends_again(int sig)
{
	count++;
	nested++;
	if (nested > last)
		last = nested;
	if (count < 3)
		kill(getpid(), sig);
	nested--;
}

/* While a handler runs its own signal waits, unless SA_NODEFER says otherwise. */
static int handlers_nest(void)
{
	struct sigaction act = { .sa_handler = sends_again };

	sigaction(SIGUSR1, &act, NULL);
	kill(getpid(), SIGUSR1);
	CHECK(count == 3 && last == 1);
	act.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &act, NULL);
	count = 0;
	kill(getpid(), SIGUSR1);
	CHECK(count == 3 && last == 3);
	return 0;
}

static int once_only_child(void)
{
	struct sigaction act = { .sa_handler = counts, .sa_flags = SA_RESETHAND };

	sigaction(SIGUSR1, &act, NULL);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	return 1;
}

static int reset_hand(void)
{
	CHECK(status_of(once_only_child) == SIGUSR1);
	return 0;
}

static int ends_by(int sig)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		kill(getpid(), sig);
		exit_group(99);
	}
	return wait4(pid, &status, 0, NULL) == pid ? status : -1;
}

static int default_actions(void)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGPIPE, SIGALRM, SIGTERM, SIGRTMIN, 64 };
	static const int ignored[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH };
	size_t i;

	for (i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		CHECK(ends_by(fatal[i]) == fatal[i]);
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		CHECK(ends_by(ignored[i]) == 99 << 8);
	return 0;
}

static int sigaction_errors(void)
{
	struct sigaction act = { .sa_handler = counts };

	CHECK(sigaction(SIGKILL, &act, NULL) == -EINVAL && sigaction(SIGSTOP, &act, NULL) == -EINVAL);
	CHECK(sigaction(0, &act, NULL) == -EINVAL && sigaction(65, &act, NULL) == -EINVAL);
	CHECK(rt_sigaction(SIGUSR1, &act, NULL, 4) == -EINVAL);
	CHECK(rt_sigaction(SIGUSR1, (void *)8, NULL, 8) == -EFAULT);
	CHECK(kill(getpid(), 65) == -EINVAL && kill(30000, SIGTERM) == -ESRCH && kill(getpid(), 0) == 0);
	CHECK(tgkill(1, gettid(), 0) == -ESRCH && tkill(-1, 0) == -EINVAL);
	return 0;
}

/* Task 1 gets no signal that it has no handler for, not even this one. */
static int init_is_spared(void)
{
	CHECK(kill(1, SIGKILL) == 0 && kill(1, SIGTERM) == 0 && kill(1, 0) == 0);
	return 0;
}

static int storm_child(void)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	int i;

	sigprocmask(SIG_BLOCK, ~0UL, NULL);
	for (i = 0; i < 2000; i++)
		if (rt_sigqueueinfo(getpid(), SIGRTMIN, &info) == -EAGAIN)
			return i >= 64 ? 0 : 1;
	return 2;
}

/* Signals that nobody takes are limited in number. */
static int signal_storm(void)
{
	CHECK(status_of(storm_child) == 0);
	return 0;
}

const struct test signal_tests[] = {
	{ "handler_runs", handler_runs },
	{ "siginfo_of_kill", siginfo_of_kill },
	{ "mask_holds_back", mask_holds_back },
	{ "realtime_queues", realtime_queues },
	{ "handlers_nest", handlers_nest },
	{ "reset_hand", reset_hand },
	{ "default_actions", default_actions },
	{ "sigaction_errors", sigaction_errors },
	{ "init_is_spared", init_is_spared },
	{ "signal_storm", signal_storm },
	{ NULL, NULL },
};
