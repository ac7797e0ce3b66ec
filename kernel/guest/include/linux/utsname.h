#ifndef _LINUX_UTSNAME_H
#define _LINUX_UTSNAME_H

#include <linux/syscalls.h>

/* What uname tells. */
extern struct new_utsname init_uts_ns;

extern const char linux_banner[];

#endif
