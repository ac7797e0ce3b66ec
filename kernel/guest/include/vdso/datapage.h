#ifndef _VDSO_DATAPAGE_H
#define _VDSO_DATAPAGE_H

#include <linux/types.h>

/*
 * What the kernel lets every program read: the time at the last tick, and how to count from there. The number seq is
 * odd while the kernel writes; who reads looks at it before and after (Linux: include/vdso/datapage.h).
 */
struct vdso_data {
	u32 seq;
	u32 clock_mode;			/* VDSO_CLOCKMODE_ */
	u64 cycle_last;			/* time-stamp counter at the last update */
	u64 cycles_per_second;
	u64 monotonic_ns;		/* since boot, at the last update */
	u64 realtime_ns;		/* since 1970 */
};

#define VDSO_CLOCKMODE_NONE	0	/* nothing but the system call tells the time */
#define VDSO_CLOCKMODE_TSC	1

#endif
