#ifndef _LINUX_MAGIC_H
#define _LINUX_MAGIC_H

/* What statfs(2) calls a file system whose bytes are in memory (Linux: include/uapi/linux/magic.h). */
#define RAMFS_MAGIC	0x858458f6
#define TMPFS_MAGIC	0x01021994

#endif
