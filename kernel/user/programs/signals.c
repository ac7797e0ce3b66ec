/* A handler for a fault, one for an alarm that interrupts a sleep, and a signal that nobody handles. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* RCX says where the program wants to go on. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	printf("signals: signal %d, code %d, address %#lx, ip %#lx\n", sig, info->si_code, (unsigned long)info->si_addr,
	       uc->uc_mcontext.rip);
	uc->uc_mcontext.rip = uc->uc_mcontext.rcx;
}

static void on_alarm(int sig)
{
	printf("signals: signal %d\n", sig);
}

int main(void)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction alarm_action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value = { 0, 20000 } };
	struct timespec second = { 1, 0 };

	sigaction(SIGSEGV, &fault, NULL);
	asm volatile("leaq 1f(%%rip), %%rcx\n movl $1, 0x1000\n 1:" ::: "rcx", "memory");
	sigaction(SIGALRM, &alarm_action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	printf("signals: sleep ended with %ld\n", nanosleep(&second, NULL));
	kill(getpid(), SIGTERM);
	return 0;
}
