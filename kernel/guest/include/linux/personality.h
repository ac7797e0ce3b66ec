#ifndef _LINUX_PERSONALITY_H
#define _LINUX_PERSONALITY_H

/* How a task differs from today's Linux programs: bits, over a number (Linux: include/uapi/linux/personality.h). */
#define ADDR_NO_RANDOMIZE	0x0040000U	/* addresses are not random, whatever randomize= says */
#define MMAP_PAGE_ZERO		0x0100000U	/* a program finds a page of zeros at address 0, as System V's did */
#define ADDR_COMPAT_LAYOUT	0x0200000U
#define READ_IMPLIES_EXEC	0x0400000U	/* what mmap makes readable can be executed too */

/* What a user may not impose on a program that runs as somebody else. */
#define PER_CLEAR_ON_SETID	(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO)

#define PER_MASK		0x00ffU
#define PER_LINUX32		0x0008U		/* uname says i686 */

#define personality(pers)	((pers) & PER_MASK)

#endif
