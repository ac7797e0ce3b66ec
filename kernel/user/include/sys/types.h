#ifndef _SYS_TYPES_H
#define _SYS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int pid_t;
typedef unsigned short umode_t;
typedef long off_t;
typedef long ssize_t;

struct timespec {
	long tv_sec;
	long tv_nsec;
};

struct new_utsname {
	char sysname[65];
	char nodename[65];
	char release[65];
	char version[65];
	char machine[65];
	char domainname[65];
};

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
} __attribute__((__packed__));

#endif
