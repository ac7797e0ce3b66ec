#ifndef _LINUX_ERRNO_H
#define _LINUX_ERRNO_H

#include <uapi/linux/errno.h>

/* Inside the kernel only: whether the call that a signal interrupted is made again (include/linux/errno.h). */
#define ERESTARTSYS	512	/* unless a handler without SA_RESTART ran */
#define ERESTARTNOINTR	513	/* always */
#define ERESTARTNOHAND	514	/* unless a handler ran */
#define ERESTART_RESTARTBLOCK 516	/* by restart_syscall, with what is left of its time */

/* A pointer-returning function reports -errno in the last page of the address space. */
#define MAX_ERRNO	4095
#define ERR_PTR(error)	((void *)(long)(error))
#define PTR_ERR(ptr)	((long)(ptr))
#define IS_ERR(ptr)	((unsigned long)(ptr) >= (unsigned long)-MAX_ERRNO)

#endif
