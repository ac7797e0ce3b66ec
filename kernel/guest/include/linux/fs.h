#ifndef _LINUX_FS_H
#define _LINUX_FS_H

#include <linux/list.h>

#define PATH_MAX	256
#define NAME_MAX	255

#define S_ISUID		0004000
#define S_ISGID		0002000
#define S_IFMT		0170000
#define S_IFDIR		0040000
#define S_IFCHR		0020000
#define S_IFREG		0100000
#define S_ISDIR(m)	(((m) & S_IFMT) == S_IFDIR)
#define S_ISCHR(m)	(((m) & S_IFMT) == S_IFCHR)
#define S_ISREG(m)	(((m) & S_IFMT) == S_IFREG)

#define O_ACCMODE	0003
#define O_RDONLY	0
#define O_WRONLY	01
#define O_RDWR		02
#define O_CREAT		0100

#define FMODE_READ	1
#define FMODE_WRITE	2

#define MAJOR(dev)	((unsigned int)((dev) >> 8))
#define MINOR(dev)	((unsigned int)((dev) & 0xff))
#define MKDEV(ma, mi)	((dev_t)(ma) << 8 | (mi))

struct inode;
struct file;

struct file_operations {
	ssize_t (*read)(struct file *file, char __user *buf, size_t count, loff_t *pos);
	ssize_t (*write)(struct file *file, const char __user *buf, size_t count, loff_t *pos);
};

/* A name of the root file system and what it stands for; there are no links, so one struct is enough. */
struct inode {
	char *i_name;
	umode_t i_mode;
	u32 i_uid, i_gid;
	dev_t i_rdev;
	unsigned long i_ino;
	const u8 *i_data;		/* a regular file's bytes, where the initramfs has them */
	size_t i_size;
	const struct file_operations *i_fop;
	void *i_private;		/* of the file's driver */
	struct inode *i_parent;
	struct list_head i_children;	/* of i_sibling */
	struct list_head i_sibling;
};

struct file {
	struct inode *f_inode;
	const struct file_operations *f_op;
	unsigned int f_mode;
	unsigned int f_count;
	loff_t f_pos;
};

extern struct inode root_inode;

/* ramfs.c */
struct inode *path_lookup(const char *path);
struct inode *ramfs_mknod(const char *path, umode_t mode, dev_t dev);
struct inode *create_pseudo_inode(const char *path, umode_t mode, const struct file_operations *fops);
void remove_pseudo_inode(struct inode *inode);
int create_pseudo_file(const char *path, umode_t mode, const struct file_operations *fops);

/* open.c */
struct file *filp_open(const char *path, int flags);
struct file *get_file(struct file *file);
void fput(struct file *file);
struct file *fget(unsigned int fd);
int fd_install(struct file *file);

/* read_write.c */
ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t pos);

/* char_dev.c */
int register_chrdev(dev_t dev, const struct file_operations *fops);
const struct file_operations *chrdev_fops(dev_t dev);

#endif
