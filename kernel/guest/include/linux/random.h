#ifndef _LINUX_RANDOM_H
#define _LINUX_RANDOM_H

#include <linux/types.h>

/* Numbers that look random and are the same in every run: this machine's runs can be repeated. */
u64 get_random_u64(void);
void get_random_bytes(void *buf, size_t len);

/* The bytes that AT_RANDOM points to. */
void get_at_random_bytes(void *buf, size_t len);

/* Are addresses random: does the command line ask for it? */
bool randomize_va_space(void);

#endif
