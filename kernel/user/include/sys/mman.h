#ifndef _SYS_MMAN_H
#define _SYS_MMAN_H

#define MAP_SHARED		0x01
#define MAP_POPULATE		0x8000
#define MAP_FIXED_NOREPLACE	0x100000

#define MREMAP_MAYMOVE	1
#define MREMAP_FIXED	2

#define MADV_WILLNEED	3
#define MADV_DONTNEED	4

#define MS_SYNC		4

#endif
