/* Handlers of signals for the tests. */
#include "handlers.h"

volatile int count, last;
siginfo_t last_info;
ucontext_t last_context;

void counts(int sig)
{
	count++;
	last = sig;
}

void remembers(int sig, siginfo_t *info, void *context)
{
	counts(sig);
	last_info = *info;
	last_context = *(ucontext_t *)context;
}
