#ifndef _UAPI_LINUX_SCHED_H
#define _UAPI_LINUX_SCHED_H

/* What clone's caller and its child have in common, and more (Linux: include/uapi/linux/sched.h). */
#define CSIGNAL			0x000000ff	/* the signal of the child's end */
#define CLONE_VM		0x00000100
#define CLONE_FS		0x00000200
#define CLONE_FILES		0x00000400
#define CLONE_SIGHAND		0x00000800
#define CLONE_VFORK		0x00004000	/* the parent waits until the child execs or ends */
#define CLONE_PARENT		0x00008000	/* a sibling rather than a child */
#define CLONE_THREAD		0x00010000
#define CLONE_SYSVSEM		0x00040000
#define CLONE_SETTLS		0x00080000
#define CLONE_PARENT_SETTID	0x00100000
#define CLONE_CHILD_CLEARTID	0x00200000
#define CLONE_DETACHED		0x00400000	/* ignored, as for many years */
#define CLONE_UNTRACED		0x00800000	/* nobody traces */
#define CLONE_CHILD_SETTID	0x01000000
#define CLONE_IO		0x80000000	/* there are no queues of a disk to share */

#endif
