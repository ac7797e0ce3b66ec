/* getdents64: the names in a directory. */
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

struct linux_dirent64 {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	u8 d_type;			/* S_IFMT bits of the mode, shifted down */
	char d_name[];
} __packed;

#define DIRENT_HEADER offsetof(struct linux_dirent64, d_name)

/* Store one entry at dirent if it fits in room bytes; its length, 0 if it doesn't, or -EFAULT. */
static long filldir(char __user *dirent, size_t room, const struct inode *inode, loff_t next)
{
	size_t name_size = strlen(inode->i_name) + 1;
	size_t reclen = ALIGN(DIRENT_HEADER + name_size, 8);
	struct linux_dirent64 header = {
		.d_ino = inode->i_ino, .d_off = next, .d_reclen = reclen, .d_type = inode->i_mode >> 12,
	};

	if (reclen > room)
		return 0;
	if (clear_user(dirent, reclen) || copy_to_user(dirent, &header, DIRENT_HEADER) ||
	    copy_to_user(dirent + DIRENT_HEADER, inode->i_name, name_size))
		return -EFAULT;
	return reclen;
}

/* f_pos counts entries. -EINVAL if not even one fits. */
static long iterate_dir(struct file *file, char __user *dirent, size_t count)
{
	struct inode *child;
	size_t filled = 0;
	loff_t index = 0;

	list_for_each_entry(child, &file->f_inode->i_children, i_sibling) {
		long reclen;

		if (index++ < file->f_pos)
			continue;
		reclen = filldir(dirent + filled, count - filled, child, index);
		if (reclen < 0)
			return reclen;
		if (!reclen)
			return filled ? (long)filled : -EINVAL;
		filled += reclen;
		file->f_pos = index;
	}
	return filled;
}

long sys_getdents64(unsigned int fd, void __user *dirent, unsigned int count)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	if (!S_ISDIR(file->f_inode->i_mode))
		return -ENOTDIR;
	return iterate_dir(file, dirent, count);
}
