#ifndef _STDLIB_H
#define _STDLIB_H

extern char **environ;

/* The value of name in the environment, or NULL. */
const char *getenv(const char *name);
long atol(const char *nptr);

#endif
