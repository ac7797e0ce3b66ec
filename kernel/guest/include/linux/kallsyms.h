#ifndef _LINUX_KALLSYMS_H
#define _LINUX_KALLSYMS_H

#include <linux/types.h>

#define KSYM_NAME_LEN	128
#define KSYM_SYMBOL_LEN	(KSYM_NAME_LEN + 48)

/* The symbol that an address is in: its name into namebuf, its size, and how far into it. False: none of the kernel's. */
bool kallsyms_lookup(unsigned long addr, unsigned long *symbolsize, unsigned long *offset, char *namebuf);

/* Where a name is, or 0. */
unsigned long kallsyms_lookup_name(const char *name);

/* "name+0x12/0x34" into buf of KSYM_SYMBOL_LEN bytes, or the bare address; its length. */
int sprint_symbol(char *buf, unsigned long address);

#endif
