/* Tests of what a handler's frame holds: registers, the stack it lies on, the fault it tells of; and of broken ones. */
#include "handlers.h"
#include "usertests.h"

#include <signal.h>
#include <syscall.h>
#include <unistd.h>

/* All registers that the handler's frame carries come back. */
static int registers_survive(void)
{
	unsigned long bx, r15, di, flags, xmm;

	signal(SIGUSR1, counts);
	asm volatile("movq $0x1111, %%rbx\n movq $0x3333, %%r15\n movq $0x7777, %%rax\n movq %%rax, %%xmm3\n"
		     "movl %5, %%edi\n movl %6, %%esi\n movl %7, %%eax\n std\n syscall\n"
		     "pushfq\n popq %3\n cld\n movq %%rbx, %0\n movq %%r15, %1\n movq %%rdi, %2\n movq %%xmm3, %4"
		     : "=&r"(bx), "=&r"(r15), "=&r"(di), "=&r"(flags), "=&r"(xmm)
		     : "g"((int)getpid()), "i"(SIGUSR1), "i"(__NR_kill)
		     : "rax", "rbx", "rcx", "rdi", "rsi", "r11", "r15", "xmm3", "memory");
	CHECK(count == 1 && bx == 0x1111 && r15 == 0x3333 && di == (unsigned long)getpid());
	CHECK((flags & 0x400) && xmm == 0x7777);
	return 0;
}

static void spoils_sse(int sig)
{
	unsigned int mxcsr;

	count++;
	asm volatile("stmxcsr %0\n pxor %%xmm3, %%xmm3" : "=m"(mxcsr) : : "xmm3");
	last = mxcsr;
}

/* A handler begins with fresh x87 and SSE registers, and what it does to them is undone. */
static int sse_survives(void)
{
	unsigned int mxcsr = 0x5f80, after;

	signal(SIGUSR1, spoils_sse);
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
	kill(getpid(), SIGUSR1);
	asm volatile("stmxcsr %0" : "=m"(after));
	CHECK(count == 1 && last == 0x1f80 && after == 0x5f80);
	return 0;
}

static char other_stack[8192] __attribute__((__aligned__(16)));

static int alternate_stack(void)
{
	struct sigaction act = { .sa_sigaction = remembers, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) }, old;
	unsigned long sp;

	CHECK(sigaltstack(&ss, NULL) == 0);
	sigaction(SIGUSR1, &act, NULL);
	kill(getpid(), SIGUSR1);
	sp = (unsigned long)last_context.uc_stack.ss_sp;
	CHECK(count == 1 && sp == (unsigned long)other_stack);
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_size == sizeof(other_stack) && old.ss_flags == 0);
	ss.ss_size = 100;
	CHECK(sigaltstack(&ss, NULL) == -ENOMEM);
	ss.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&ss, NULL) == 0 && sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
	return 0;
}

static int overflow(int depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	return depth ? overflow(depth - 1) + room[0] : 0;
}

static void leaves(int sig, siginfo_t *info, void *context)
{
	exit_group(info->si_code == SEGV_MAPERR ? 0 : 1);
}

static int overflow_child(void)
{
	struct sigaction act = { .sa_sigaction = leaves, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &act, NULL);
	return overflow(100000);
}

/* Only on another stack can one hear that this one has run out. */
static int stack_overflow_is_heard(void)
{
	CHECK(status_of(overflow_child) == 0);
	return 0;
}

static void reads_null(void)
{
	asm volatile("movq $1f, %%rcx\n movb 0x10, %%al\n 1:" ::: "rax", "rcx", "memory");
}

/* The handler steps over the instruction that faulted: RCX says where to go on. */
static void skips(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	remembers(sig, info, context);
	uc->uc_mcontext.rip = uc->uc_mcontext.rcx;
}

static int faults_are_handled(void)
{
	struct sigaction act = { .sa_sigaction = skips, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
	reads_null();
	CHECK(count == 1 && last_info.si_code == SEGV_MAPERR && last_info.si_addr == (void *)0x10);
	CHECK(last_context.uc_mcontext.trapno == 14 && last_context.uc_mcontext.cr2 == 0x10);
	CHECK(last_context.uc_mcontext.err == 4);
	asm volatile("movq $1f, %%rcx\n movb $0, (%0)\n 1:" : : "r"(counts) : "rcx", "memory");
	CHECK(count == 2 && last_info.si_code == SEGV_ACCERR && last_info.si_addr == (void *)counts);
	asm volatile("movq $1f, %%rcx\n hlt\n 1:" ::: "rcx", "memory");
	CHECK(count == 3 && last_info.si_code == SI_KERNEL && last_context.uc_mcontext.trapno == 13);
	sigaction(SIGFPE, &act, NULL);
	asm volatile("movq $1f, %%rcx\n xorl %%ebx, %%ebx\n divl %%ebx\n 1:" ::: "rax", "rbx", "rcx", "rdx", "memory");
	CHECK(count == 4 && last == SIGFPE && last_info.si_code == FPE_INTDIV);
	sigaction(SIGILL, &act, NULL);
	asm volatile("movq $1f, %%rcx\n ud2\n 1:" ::: "rcx", "memory");
	CHECK(count == 5 && last == SIGILL && last_info.si_code == ILL_ILLOPN);
	sigaction(SIGTRAP, &act, NULL);
	asm volatile("movq $1f, %%rcx\n int3\n 1:" ::: "rcx", "memory");
	CHECK(count == 6 && last == SIGTRAP && last_info.si_code == SI_KERNEL);
	return 0;
}

/* A frame that cannot be written, or one that a program made up, is the program's end and not the kernel's. */
static int no_stack_child(void)
{
	signal(SIGUSR1, counts);
	asm volatile("movl %0, %%edi\n movl %1, %%esi\n movl %2, %%eax\n movq $8, %%rsp\n syscall\n"
		     : : "g"((int)getpid()), "i"(SIGUSR1), "i"(__NR_kill) : "memory");
	return 0;
}

static int bad_return_child(void)
{
	rt_sigreturn();
	return 0;
}

static void breaks_frame(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	if (last == 0)
		uc->uc_mcontext.cs = 0x10;
	if (last == 1)
		uc->uc_mcontext.rip = 0x8000000000000000UL;
	if (last == 2)
		uc->uc_mcontext.ss = 0x18;
	if (last == 3)
		*(unsigned int *)((char *)uc->uc_mcontext.fpstate + 24) = ~0U;
	if (last == 4)
		uc->uc_mcontext.eflags |= 0x3000;	/* IOPL is not the program's to set */
}

static int broken_frame_child(void)
{
	struct sigaction act = { .sa_sigaction = breaks_frame, .sa_flags = SA_SIGINFO };
	unsigned long flags;

	sigaction(SIGUSR1, &act, NULL);
	kill(getpid(), SIGUSR1);
	asm volatile("pushfq\n popq %0" : "=r"(flags));
	return flags & 0x3000 ? 1 : 0;
}

static int broken_frames(void)
{
	int i;

	CHECK(status_of(no_stack_child) == SIGSEGV);
	CHECK(status_of(bad_return_child) == SIGSEGV);
	for (i = 0; i < 4; i++) {
		last = i;
		CHECK(status_of(broken_frame_child) == SIGSEGV);
	}
	last = 4;
	CHECK(status_of(broken_frame_child) == 0);
	return 0;
}

const struct test sigframe_tests[] = {
	{ "registers_survive", registers_survive },
	{ "sse_survives", sse_survives },
	{ "alternate_stack", alternate_stack },
	{ "stack_overflow_is_heard", stack_overflow_is_heard },
	{ "faults_are_handled", faults_are_handled },
	{ "broken_frames", broken_frames },
	{ NULL, NULL },
};
