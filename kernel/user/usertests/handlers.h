#ifndef HANDLERS_H
#define HANDLERS_H

#include <signal.h>

/* What the handlers below have seen: how many signals, the last one's number, siginfo and context. */
extern volatile int count, last;
extern siginfo_t last_info;
extern ucontext_t last_context;

void counts(int sig);
void remembers(int sig, siginfo_t *info, void *context);

#endif
