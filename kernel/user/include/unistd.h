#ifndef _UNISTD_H
#define _UNISTD_H

#include <user/syscalls.h>

#define STDIN_FILENO	0
#define STDOUT_FILENO	1
#define STDERR_FILENO	2

#define O_RDONLY	0
#define O_WRONLY	01
#define O_RDWR		02
#define O_CREAT		0100
#define O_EXCL		0200
#define O_TRUNC		01000
#define O_APPEND	02000
#define O_NONBLOCK	04000
#define O_DIRECTORY	0200000
#define O_NOFOLLOW	0400000
#define O_CLOEXEC	02000000

#define AT_FDCWD		(-100)
#define AT_SYMLINK_NOFOLLOW	0x100
#define AT_REMOVEDIR		0x200
#define AT_EMPTY_PATH		0x1000

#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define F_DUPFD_CLOEXEC	1030

#define SEEK_SET	0
#define SEEK_CUR	1
#define SEEK_END	2

#define PROT_NONE	0
#define PROT_READ	1
#define PROT_WRITE	2
#define PROT_EXEC	4
#define MAP_PRIVATE	0x02
#define MAP_FIXED	0x10
#define MAP_ANONYMOUS	0x20

#define PRIO_PROCESS	0

#define WNOHANG		1
#define WTERMSIG(status)	((status) & 0x7f)
#define WEXITSTATUS(status)	((status) >> 8 & 0xff)

#define SIGILL	4
#define SIGTRAP	5
#define SIGBUS	7
#define SIGFPE	8
#define SIGKILL	9
#define SIGSEGV	11


#define RLIMIT_STACK	3
#define RLIMIT_NPROC	6
#define PR_SET_NO_NEW_PRIVS	38
#define PR_GET_NO_NEW_PRIVS	39

#define EPERM	1
#define ENOENT	2
#define ESRCH	3
#define ENXIO	6
#define E2BIG	7
#define ENOEXEC	8
#define EBADF	9
#define ECHILD	10
#define EAGAIN	11
#define ENOMEM	12
#define EACCES	13
#define EFAULT	14
#define EEXIST	17
#define EBUSY	16
#define EXDEV	18
#define ENODEV	19
#define ENOTDIR	20
#define EISDIR	21
#define EINVAL	22
#define EMFILE	24
#define EFBIG	27
#define ESPIPE	29
#define EROFS	30
#define ERANGE	34
#define ENAMETOOLONG 36
#define ENOSYS	38
#define ELOOP	40
#define ELIBBAD	80
#define ENOTEMPTY 39

#define SYSLOG_ACTION_READ_ALL	3
#define ARCH_SET_FS		0x1002
#define ARCH_GET_FS		0x1003

#define LINUX_REBOOT_MAGIC1		0xfee1dead
#define LINUX_REBOOT_MAGIC2		672274793
#define LINUX_REBOOT_CMD_POWER_OFF	0x4321fedc
#define LINUX_REBOOT_CMD_RESTART	0x01234567

#endif
