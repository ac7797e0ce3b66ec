/* Tests of threads: what they share, how they wait for each other, and how a process of several ends. */
#include "usertests.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <syscall.h>
#include <unistd.h>

#define STACK_SIZE 16384
#define THREADS 4

static char stacks[THREADS][STACK_SIZE] __attribute__((__aligned__(16)));
static volatile int tids[THREADS];
static volatile unsigned int shared, lock, turn;

static long start(int i, int (*fn)(void *), void *arg)
{
	return thread_create(THREAD_FLAGS, stacks[i] + STACK_SIZE, (int *)&tids[i], NULL, fn, arg);
}

static int adds(void *arg)
{
	int i;

	for (i = 0; i < 1000; i++)
		__atomic_fetch_add(&shared, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int threads_share_memory(void)
{
	int i;

	for (i = 0; i < THREADS; i++)
		CHECK(start(i, adds, NULL) > 0);
	for (i = 0; i < THREADS; i++)
		thread_join(&tids[i]);
	CHECK(shared == THREADS * 1000);
	return 0;
}

static volatile int seen_pid, seen_tid, seen_fd;

static int looks(void *arg)
{
	seen_pid = getpid();
	seen_tid = gettid();
	seen_fd = open("/etc/motd", O_RDONLY, 0);
	chdir("/etc");
	return 0;
}

static int threads_share_the_process(void)
{
	char path[16];
	long tid = start(0, looks, NULL);

	thread_join(&tids[0]);
	CHECK(seen_pid == getpid() && seen_tid == tid && seen_tid != gettid() && gettid() == getpid());
	CHECK(read(seen_fd, path, 1) == 1);
	CHECK(getcwd(path, sizeof(path)) == 5 && path[1] == 'e');
	return 0;
}

static int reads_tls(void *arg)
{
	unsigned long value;

	asm volatile("movq %%fs:0, %0" : "=r"(value));
	shared = value == (unsigned long)arg;
	return 0;
}

/* CLONE_SETTLS: FS is each thread's own. */
static int thread_local_storage(void)
{
	static unsigned long block[1] = { 0x1234 };

	CHECK(thread_create(THREAD_FLAGS | CLONE_SETTLS, stacks[0] + STACK_SIZE, (int *)&tids[0], block, reads_tls,
			    (void *)0x1234) > 0);
	thread_join(&tids[0]);
	CHECK(shared == 1);
	return 0;
}

/* One word, two threads: each waits for its turn. */
static int takes_turns(void *arg)
{
	unsigned int me = (unsigned long)arg, i;

	for (i = 0; i < 100; i++) {
		unsigned int now;

		while ((now = turn) % 2 != me)
			futex((unsigned int *)&turn, FUTEX_WAIT, now, NULL, NULL, 0);
		turn++;
		futex((unsigned int *)&turn, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	return 0;
}

static int futex_wakes(void)
{
	start(0, takes_turns, (void *)0);
	start(1, takes_turns, (void *)1);
	thread_join(&tids[0]);
	thread_join(&tids[1]);
	CHECK(turn == 200);
	return 0;
}

static int futex_errors(void)
{
	struct timespec short_time = { 0, 5000000 }, bad = { 0, -1 };

	lock = 1;
	CHECK(futex((unsigned int *)&lock, FUTEX_WAIT, 2, NULL, NULL, 0) == -EAGAIN);
	CHECK(futex((unsigned int *)&lock, FUTEX_WAIT, 1, &short_time, NULL, 0) == -ETIMEDOUT);
	CHECK(futex((unsigned int *)&lock, FUTEX_WAIT, 1, &bad, NULL, 0) == -EINVAL);
	CHECK(futex((unsigned int *)((char *)&lock + 1), FUTEX_WAIT, 1, NULL, NULL, 0) == -EINVAL);
	CHECK(futex((unsigned int *)8, FUTEX_WAIT, 1, NULL, NULL, 0) == -EFAULT);
	CHECK(futex((unsigned int *)&lock, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
	CHECK(futex((unsigned int *)&lock, 99, 0, NULL, NULL, 0) == -ENOSYS);
	return 0;
}

static int sleeps_for_ever(void *arg)
{
	for (;;)
		pause();
}

static int leaves_all(void *arg)
{
	return exit_group(7);
}

static int group_exit_child(void)
{
	start(0, sleeps_for_ever, NULL);
	start(1, sleeps_for_ever, NULL);
	start(2, leaves_all, NULL);
	return sleeps_for_ever(NULL);
}

static int crashes(void *arg)
{
	*(volatile int *)8 = 0;
	return 0;
}

static int crash_child(void)
{
	start(0, crashes, NULL);
	return sleeps_for_ever(NULL);
}

static int lives_on(void *arg)
{
	struct timespec tick = { 0, 20000000 };

	nanosleep(&tick, NULL);
	return exit_group(getpid() == gettid() ? 1 : 9);
}

/* The leader ends first: the process is there, under its number, until the last thread has gone. */
static int leader_leaves_child(void)
{
	start(0, lives_on, NULL);
	return exit(3);
}

static int processes_of_threads_end(void)
{
	CHECK(status_of(group_exit_child) == 7 << 8);
	CHECK(status_of(crash_child) == SIGSEGV);
	CHECK(status_of(leader_leaves_child) == 9 << 8);
	return 0;
}

static int execs(void *arg)
{
	const char *argv[] = { "true", NULL };

	execve("/bin/echo", argv, (const char *const *)environ);
	return 1;
}

static int exec_child(void)
{
	start(0, sleeps_for_ever, NULL);
	start(1, execs, NULL);
	return sleeps_for_ever(NULL);
}

/* execve in one thread ends the others, and the process keeps its number. */
static int exec_in_a_thread(void)
{
	CHECK(status_of(exec_child) == 0);
	return 0;
}

static volatile int handled_by;

static void notes_thread(int sig)
{
	handled_by = gettid();
}

static int waits_for_signal(void *arg)
{
	while (!handled_by)
		pause();
	return 0;
}

/* A thread that blocks a signal leaves it to one that does not; tgkill reaches just the one. */
static int signals_find_a_thread(void)
{
	long tid;

	signal(SIGUSR1, notes_thread);
	tid = start(0, waits_for_signal, NULL);
	sigprocmask(SIG_BLOCK, sigmask(SIGUSR1), NULL);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	thread_join(&tids[0]);
	CHECK(handled_by == tid);
	sigprocmask(SIG_UNBLOCK, sigmask(SIGUSR1), NULL);
	handled_by = 0;
	tid = start(0, waits_for_signal, NULL);
	CHECK(tgkill(getpid(), tid, SIGUSR1) == 0);
	thread_join(&tids[0]);
	CHECK(handled_by == tid && tgkill(getpid(), tid, 0) == -ESRCH);
	return 0;
}

static int stop_child(void)
{
	start(0, adds, NULL);
	start(1, sleeps_for_ever, NULL);
	return sleeps_for_ever(NULL);
}

/* A stop is the whole process's, and so is going on. */
static int stops_as_one(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		exit_group(stop_child());
	while (kill(pid, SIGSTOP) == 0 && wait4(pid, &status, WUNTRACED, NULL) != pid)
		;
	CHECK(status == (SIGSTOP << 8 | 0x7f));
	CHECK(kill(pid, SIGCONT) == 0 && wait4(pid, &status, WCONTINUED, NULL) == pid && status == 0xffff);
	CHECK(kill(pid, SIGKILL) == 0 && wait4(pid, &status, 0, NULL) == pid && status == SIGKILL);
	return 0;
}

static int clone_errors(void)
{
	int tid;

	CHECK(clone(CLONE_THREAD, 0, NULL, NULL, 0) == -EINVAL);
	CHECK(clone(CLONE_SIGHAND, 0, NULL, NULL, 0) == -EINVAL);
	CHECK(clone(0x02000000, 0, NULL, NULL, 0) == -EINVAL);
	CHECK(clone(65, 0, NULL, NULL, 0) == -EINVAL);
	tid = syscall0(__NR_vfork);	/* not by a function: the child would return from it first */
	if (tid == 0) {
		shared = 5;
		exit_group(0);
	}
	CHECK(shared == 5 && wait4(tid, NULL, 0, NULL) == tid);
	return 0;
}

const struct test thread_tests[] = {
	{ "threads_share_memory", threads_share_memory },
	{ "threads_share_the_process", threads_share_the_process },
	{ "thread_local_storage", thread_local_storage },
	{ "futex_wakes", futex_wakes },
	{ "futex_errors", futex_errors },
	{ "processes_of_threads_end", processes_of_threads_end },
	{ "exec_in_a_thread", exec_in_a_thread },
	{ "signals_find_a_thread", signals_find_a_thread },
	{ "stops_as_one", stops_as_one },
	{ "clone_errors", clone_errors },
	{ NULL, NULL },
};
