#ifndef _SIGNAL_H
#define _SIGNAL_H

#include <sys/signal.h>

/* Set a handler with its flags; SA_RESTORER and what it needs are added. 0 or -errno. */
long sigaction(int sig, const struct sigaction *act, struct sigaction *old);
long signal(int sig, void (*handler)(int sig));

/* One system call each, on sets of one word. */
long sigprocmask(int how, unsigned long mask, unsigned long *old);
long sigsuspend(unsigned long mask);
unsigned long sigpending(void);

#endif
