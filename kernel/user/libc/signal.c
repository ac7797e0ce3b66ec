/* Signals: x86-64's kernel wants to be told how a handler returns. */
#include <signal.h>
#include <unistd.h>

void __restore_rt(void);

asm(".text\n"
    ".globl __restore_rt\n"
    ".type __restore_rt, @function\n"
    "__restore_rt:\n"
    "	movl $15, %eax\n"		/* __NR_rt_sigreturn */
    "	syscall\n"
    ".size __restore_rt, . - __restore_rt\n");

long sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction copy;

	if (!act)
		return rt_sigaction(sig, NULL, old, sizeof(sigset_t));
	copy = *act;
	copy.sa_flags |= SA_RESTORER;
	copy.sa_restorer = __restore_rt;
	return rt_sigaction(sig, &copy, old, sizeof(sigset_t));
}

long signal(int sig, void (*handler)(int sig))
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };

	return sigaction(sig, &act, NULL);
}

long sigprocmask(int how, unsigned long mask, unsigned long *old)
{
	sigset_t set = { mask }, old_set;
	long err = rt_sigprocmask(how, &set, &old_set, sizeof(set));

	if (old)
		*old = old_set.sig;
	return err;
}

long sigsuspend(unsigned long mask)
{
	sigset_t set = { mask };

	return rt_sigsuspend(&set, sizeof(set));
}

unsigned long sigpending(void)
{
	sigset_t set = { 0 };

	rt_sigpending(&set, sizeof(set));
	return set.sig;
}
