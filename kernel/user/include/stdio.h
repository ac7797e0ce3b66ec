#ifndef _STDIO_H
#define _STDIO_H

#include <sys/types.h>

/* Formats as the kernel's printk; one write(2) a call, so that a line arrives whole. */
int dprintf(int fd, const char *fmt, ...) __attribute__((__format__(__printf__, 2, 3)));
int printf(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((__format__(__printf__, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list args);

#endif
