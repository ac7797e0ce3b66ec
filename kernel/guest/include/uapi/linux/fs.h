#ifndef _UAPI_LINUX_FS_H
#define _UAPI_LINUX_FS_H

/* Of lseek (Linux: include/uapi/linux/fs.h). */
#define SEEK_SET	0
#define SEEK_CUR	1
#define SEEK_END	2
#define SEEK_DATA	3
#define SEEK_HOLE	4

#endif
