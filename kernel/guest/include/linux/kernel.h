#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <asm/layout.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/types.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define ALIGN_DOWN(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define ALIGN(x, a)		ALIGN_DOWN((x) + (__typeof__(x))(a) - 1, a)
#define min(a, b)		({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b)		({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
#define container_of(ptr, type, member)	((type *)((char *)(ptr) - offsetof(type, member)))

#define BUILD_BUG_ON(condition)	_Static_assert(!(condition), #condition)
#define BUG_ON(condition)								\
	do {										\
		if (unlikely(condition))						\
			panic("BUG at %s:%d: %s", __FILE__, __LINE__, #condition);	\
	} while (0)

void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
int vsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list args) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
long simple_strtol(const char *cp, char **endp);
unsigned long memparse(const char *ptr, char **retptr);

#endif
