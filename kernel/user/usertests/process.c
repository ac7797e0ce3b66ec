/* Tests of processes: fork, exec, wait, scheduling, and what a process keeps to itself. */
#include "usertests.h"

#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <unistd.h>

static int exits_with_7(void)
{
	return 7;
}

static int exit_status(void)
{
	CHECK(status_of(exits_with_7) == 7 << 8);
	return 0;
}

static int identity(void)
{
	pid_t me = getpid(), pid = fork();
	int status;

	if (pid == 0)
		return getppid() == me && getpid() != me && gettid() == getpid() ? 0 : 1;
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	return 0;
}

static volatile int shared_not = 1;

static int fork_copies(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		shared_not = 2;
		return 0;
	}
	CHECK(wait4(pid, &status, 0, NULL) == pid);
	CHECK(shared_not == 1);
	return 0;
}

/* Memory, stacks and numbers of ended processes come back: more than the machine could hold at once. */
static int fork_many(void)
{
	int i;

	for (i = 0; i < 300; i++)
		CHECK(status_of(exits_with_7) == 7 << 8);
	return 0;
}

static int wait_none(void)
{
	int status;

	CHECK(wait4(-1, &status, 0, NULL) == -ECHILD);
	CHECK(wait4(getppid(), &status, 0, NULL) == -ECHILD);
	CHECK(wait4(0, &status, 0, NULL) == -ECHILD);
	CHECK(wait4(-1, &status, 0x100, NULL) == -EINVAL);
	return 0;
}

static int wait_nohang(void)
{
	struct timespec tick = { 0, 1000000 };
	int status, polls = 0;
	pid_t pid = fork(), ended;

	if (pid == 0) {
		nanosleep(&tick, NULL);
		return 3;
	}
	CHECK(wait4(pid, &status, WNOHANG, NULL) == 0);
	while ((ended = wait4(pid, &status, WNOHANG, NULL)) == 0 && ++polls < 1000000)
		sched_yield();
	CHECK(ended == pid && WEXITSTATUS(status) == 3);
	return 0;
}

/* The grandchild outlives its parent and is then task 1's. */
static int orphan(void)
{
	volatile pid_t *parent = (pid_t *)mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		*parent = getpid();
		if (fork() == 0) {
			while (getppid() == *parent)
				sched_yield();
			exit_group(getppid() == 1 ? 0 : 1);
		}
		return 0;
	}
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	return 0;
}

static int spin(unsigned long count)
{
	volatile unsigned long i;

	for (i = 0; i < count; i++)
		;
	return 0;
}

/* The one that starts first has more to do: only the timer can let the other one end before it. */
static int preemption(void)
{
	pid_t longer = fork(), shorter;
	int status;

	if (longer == 0)
		return spin(20000000);
	shorter = fork();
	if (shorter == 0)
		return spin(200000);
	CHECK(wait4(-1, &status, 0, NULL) == shorter && status == 0);
	CHECK(wait4(-1, &status, 0, NULL) == longer && status == 0);
	return 0;
}

static unsigned long xmm_after_spin(unsigned long value)
{
	unsigned long result, count = 2000000;

	asm volatile("movq %2, %%xmm7\n"
		     "1: decq %1\n"
		     "jnz 1b\n"
		     "movq %%xmm7, %0"
		     : "=r"(result), "+r"(count) : "r"(value) : "xmm7");
	return result;
}

/* SSE registers belong to the process, through ticks and switches. */
static int sse_registers(void)
{
	int i, status;

	for (i = 1; i <= 3; i++)
		if (fork() == 0)
			exit_group(xmm_after_spin(i * 0x1234567890UL) == i * 0x1234567890UL ? 0 : 1);
	for (i = 1; i <= 3; i++)
		CHECK(wait4(-1, &status, 0, NULL) > 0 && status == 0);
	return 0;
}

/* A new program finds MXCSR as the ABI says, whatever the old one did. */
static int mxcsr(void)
{
	unsigned int value;

	asm volatile("stmxcsr %0" : "=m"(value));
	CHECK(value == 0x1f80);
	return 0;
}

/* A system call changes RAX, RCX and R11, and nothing else. */
static int registers_kept(void)
{
	unsigned long bx = 1, bp, r12, r15;

	asm volatile("movq $0x1111, %%rbx\n movq $0x2222, %%r12\n movq $0x3333, %%r15\n"
		     "movq $0x4444, %%rdi\n movq $0x5555, %%r8\n"
		     "syscall\n"
		     "leaq (%%rdi, %%r8), %%rdx\n"
		     "movq %%rbx, %0\n movq %%r12, %1\n movq %%r15, %2\n movq %%rdx, %3"
		     : "=&g"(bx), "=&g"(r12), "=&g"(r15), "=&g"(bp)
		     : "a"(__NR_getpid)
		     : "rbx", "rcx", "rdx", "rdi", "r8", "r11", "r12", "r15", "memory");
	CHECK(bx == 0x1111 && r12 == 0x2222 && r15 == 0x3333 && bp == 0x9999);
	return 0;
}

static int selectors(void)
{
	unsigned int cs, ss, ds, es;

	asm volatile("movl %%cs, %0\n movl %%ss, %1\n movl %%ds, %2\n movl %%es, %3"
		     : "=r"(cs), "=r"(ss), "=r"(ds), "=r"(es));
	CHECK(cs == 0x33 && ss == 0x2b && ds == 0 && es == 0);
	return 0;
}

static int fs_base(void)
{
	static unsigned long block[2] = { 0x1234, 0x5678 };
	unsigned long base = 0, second;

	CHECK(arch_prctl(ARCH_SET_FS, (unsigned long)block) == 0);
	CHECK(status_of(exits_with_7) == 7 << 8);
	asm volatile("movq %%fs:8, %0" : "=r"(second));
	CHECK(second == 0x5678);
	CHECK(arch_prctl(ARCH_GET_FS, (unsigned long)&base) == 0 && base == (unsigned long)block);
	CHECK(arch_prctl(ARCH_SET_FS, 0xffff800000000000UL) < 0);
	CHECK(arch_prctl(1, 0) == -EINVAL);
	return 0;
}

static int sleeps(void)
{
	struct timespec half_tick = { 0, 2000000 }, bad = { 0, 1000000000 };

	CHECK(nanosleep(&half_tick, NULL) == 0);
	CHECK(nanosleep(&bad, NULL) == -EINVAL);
	CHECK(nanosleep((void *)8, NULL) == -EFAULT);
	return 0;
}

static int unknown_calls(void)
{
	CHECK(syscall0(500) == -ENOSYS);
	CHECK(syscall0(-1) == -ENOSYS);
	CHECK(syscall0(134) == -ENOSYS);
	CHECK(syscall0(1L << 31) == -ENOSYS);
	return 0;
}

const struct test process_tests[] = {
	{ "exit_status", exit_status },
	{ "identity", identity },
	{ "fork_copies", fork_copies },
	{ "fork_many", fork_many },
	{ "wait_none", wait_none },
	{ "wait_nohang", wait_nohang },
	{ "orphan", orphan },
	{ "preemption", preemption },
	{ "sse_registers", sse_registers },
	{ "mxcsr", mxcsr },
	{ "registers_kept", registers_kept },
	{ "selectors", selectors },
	{ "fs_base", fs_base },
	{ "sleeps", sleeps },
	{ "unknown_calls", unknown_calls },
	{ NULL, NULL },
};
