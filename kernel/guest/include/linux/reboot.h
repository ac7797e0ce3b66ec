#ifndef _LINUX_REBOOT_H
#define _LINUX_REBOOT_H

#include <linux/compiler.h>
#include <uapi/linux/reboot.h>

void machine_exit(unsigned int code) __noreturn;

#endif
