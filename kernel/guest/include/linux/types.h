#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/time_types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

typedef int pid_t;
typedef unsigned short umode_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef unsigned int dev_t;
typedef long off_t;
typedef long loff_t;
typedef long ssize_t;
typedef u32 compat_uptr_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic_long_t;

struct list_head {
	struct list_head *next, *prev;
};

#endif
