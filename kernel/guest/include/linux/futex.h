#ifndef _LINUX_FUTEX_H
#define _LINUX_FUTEX_H

#include <linux/types.h>
#include <uapi/linux/futex.h>

int futex_wake(u32 __user *uaddr, int nr_wake);
void exit_robust_list(void);

#endif
