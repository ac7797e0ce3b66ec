#ifndef _UAPI_LINUX_WAIT_H
#define _UAPI_LINUX_WAIT_H

/* Of wait4 and waitid (Linux: include/uapi/linux/wait.h). */
#define WNOHANG		0x00000001
#define WUNTRACED	0x00000002
#define WSTOPPED	WUNTRACED
#define WEXITED		0x00000004
#define WCONTINUED	0x00000008
#define WNOWAIT		0x01000000	/* leave it to be waited for again */
#define __WNOTHREAD	0x20000000
#define __WALL		0x40000000
#define __WCLONE	0x80000000

enum { P_ALL, P_PID, P_PGID };

#endif
