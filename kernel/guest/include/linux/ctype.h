#ifndef _LINUX_CTYPE_H
#define _LINUX_CTYPE_H

#include <linux/types.h>

/* White space in the C locale (Linux: lib/ctype.c). */
static inline bool isspace(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
