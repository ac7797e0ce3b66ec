#ifndef _LINUX_FCNTL_H
#define _LINUX_FCNTL_H

#define AT_FDCWD		-100	/* in place of a descriptor: the current directory */
#define AT_SYMLINK_NOFOLLOW	0x100
#define AT_EMPTY_PATH		0x1000	/* with an empty name: the descriptor itself */

#endif
