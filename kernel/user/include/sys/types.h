#ifndef _SYS_TYPES_H
#define _SYS_TYPES_H

#include <linux/resource.h>
#include <linux/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/signal.h>

typedef int pid_t;
typedef unsigned short umode_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef long off_t;
typedef long loff_t;
typedef long ssize_t;

struct pollfd {
	int fd;
	short events;
	short revents;
};

struct iovec {
	void *iov_base;
	size_t iov_len;
};

struct stat {
	uint64_t st_dev;
	uint64_t st_ino;
	uint64_t st_nlink;
	uint32_t st_mode;
	uint32_t st_uid;
	uint32_t st_gid;
	uint32_t __pad0;
	uint64_t st_rdev;
	int64_t st_size;
	int64_t st_blksize;
	int64_t st_blocks;
	struct timespec st_atime, st_mtime, st_ctime;
	int64_t __unused[3];
};

struct statfs {
	int64_t f_type, f_bsize;
	uint64_t f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_fsid;
	int64_t f_namelen, f_frsize, f_flags, f_spare[4];
};

struct statx;

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

struct user_desc {
	unsigned int entry_number;
	unsigned int base_addr;
	unsigned int limit;
	unsigned int seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1, seg_not_present : 1,
		useable : 1, lm : 1;
};

#endif
