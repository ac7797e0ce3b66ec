#ifndef _LINUX_MMAN_H
#define _LINUX_MMAN_H

#include <uapi/linux/mman.h>

#define PROT_MASK	(PROT_READ | PROT_WRITE | PROT_EXEC)

#endif
