#ifndef _LINUX_FS_H
#define _LINUX_FS_H

#include <linux/dcache.h>
#include <linux/fcntl.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/stat.h>
#include <uapi/linux/fs.h>

#define PATH_MAX	4096
#define NAME_MAX	255
#define MAX_RW_COUNT	0x7ffff000UL

#define FMODE_READ	1
#define FMODE_WRITE	2

#define MAY_EXEC	1
#define MAY_WRITE	2
#define MAY_READ	4

#define MAJOR(dev)	((unsigned int)((dev) >> 8))
#define MINOR(dev)	((unsigned int)((dev) & 0xff))
#define MKDEV(ma, mi)	((dev_t)(ma) << 8 | (mi))

struct dir_context;
struct file;
struct inode;
struct pipe_inode_info;
struct poll_table_struct;
struct vm_area_struct;

/* What an open file can do. Linux's functions of these names take and return the same. */
struct file_operations {
	int (*open)(struct inode *inode, struct file *file);
	void (*release)(struct inode *inode, struct file *file);
	ssize_t (*read)(struct file *file, char __user *buf, size_t count, loff_t *pos);
	ssize_t (*write)(struct file *file, const char __user *buf, size_t count, loff_t *pos);
	loff_t (*llseek)(struct file *file, loff_t offset, int whence);
	int (*iterate_shared)(struct file *file, struct dir_context *ctx);
	unsigned int (*poll)(struct file *file, struct poll_table_struct *wait);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	int (*mmap)(struct file *file, struct vm_area_struct *vma);
};

/* What a name's inode can do. A missing function means that its kind of file cannot. */
struct inode_operations {
	struct dentry *(*lookup)(struct inode *dir, struct dentry *parent, const struct qstr *name);
	/* A symbolic link's text into buf, of PATH_MAX bytes; its length or -errno. */
	int (*get_link)(struct dentry *dentry, char *buf);
	/* Of /proc's links to files: where it leads, with a reference, whatever the text says. */
	struct dentry *(*jump_link)(struct dentry *dentry);
};

struct file_system_type {
	const char *name;
};

/* One tree of names; struct mount says where it hangs. */
struct super_block {
	struct file_system_type *s_type;
	unsigned long s_flags;
	unsigned long s_magic;		/* as statfs tells it */
	dev_t s_dev;
	struct dentry *s_root;
};

/* A file, whatever its names; freed when the last name and the last struct file are gone. */
struct inode {
	umode_t i_mode;
	uid_t i_uid;
	gid_t i_gid;
	unsigned int i_nlink;		/* names */
	unsigned int i_count;		/* dentries */
	dev_t i_rdev;
	unsigned long i_ino;
	loff_t i_size;
	struct timespec i_atime, i_mtime, i_ctime;
	struct super_block *i_sb;
	const struct inode_operations *i_op;
	const struct file_operations *i_fop;
	struct mutex i_rwsem;		/* held while the bytes change */
	struct address_space i_data;	/* a regular file's pages */
	char *i_link;			/* a symbolic link's text */
	struct pipe_inode_info *i_pipe;
	void *i_private;		/* of the file's driver */
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	const struct file_operations *f_op;
	unsigned int f_flags;		/* O_... as fcntl tells them */
	unsigned int f_mode;		/* FMODE_... */
	unsigned int f_count;
	loff_t f_pos;
	void *private_data;
};

/* Of a task: where its paths begin, and what a new file's mode lacks. */
struct fs_struct {
	int users;
	int umask;
	struct path root, pwd;
};

extern struct super_block rootfs_sb;
extern struct file_system_type tmpfs_fs_type;
extern struct fs_struct init_fs;

/* inode.c */
struct inode *alloc_inode(struct super_block *sb, umode_t mode, size_t size);
struct inode *new_inode(struct super_block *sb, umode_t mode);
void iput(struct inode *inode);
struct timespec current_time(void);
void inode_dirtied(struct inode *inode);
int inode_permission(const struct inode *inode, int mask);
bool inode_owner_or_capable(const struct inode *inode);

/* namei.c */
#define LOOKUP_FOLLOW	1
#define LOOKUP_EMPTY	2

struct nameidata {
	struct dentry *dentry;		/* where the walk is, with a reference */
	const char *name;		/* what is left of the path */
	struct qstr last;		/* the last component, not walked yet; empty: the root itself */
	bool trailing;			/* slashes follow it: a directory is meant */
	char *buf;			/* holds name once a symbolic link was met */
	int links;
};

int path_init(struct nameidata *nd, int dfd, const char *name);
void path_exit(struct nameidata *nd);
int link_path_walk(struct nameidata *nd);
struct dentry *lookup_one(struct dentry *dir, const struct qstr *name);
int follow_link(struct nameidata *nd, struct dentry *link);
struct dentry *path_lookupat(int dfd, const char *name, int flags);
struct dentry *user_path_at(int dfd, const char __user *name, int flags);
int vfs_readlink(struct dentry *dentry, char *buf);

/* dirops.c */
struct dentry *vfs_create(struct dentry *dir, const struct qstr *name, umode_t mode, dev_t rdev);

/* ramfs.c */
struct dentry *ramfs_mknod(const char *path, umode_t mode, dev_t dev);
struct dentry *ramfs_link(struct dentry *old, const char *path);
struct dentry *create_pseudo_dentry(const char *path, umode_t mode, const struct file_operations *fops);
void remove_pseudo_dentry(struct dentry *dentry);
int create_pseudo_file(const char *path, umode_t mode, const struct file_operations *fops);
extern const struct file_operations ramfs_file_operations, simple_dir_operations;
extern const struct inode_operations simple_symlink_inode_operations;

/* open.c */
struct file *do_filp_open(int dfd, const char *path, int flags, umode_t mode);
struct file *filp_open(const char *path, int flags, umode_t mode);
struct file *dentry_open(struct dentry *dentry, int flags);
int do_truncate(struct inode *inode, loff_t length);

/* file_table.c */
struct file *alloc_file(struct dentry *dentry, int flags, const struct file_operations *fops);
struct file *get_file(struct file *file);
void fput(struct file *file);

/* file.c */
struct file *fget(unsigned int fd);
int fd_install(struct file *file, int flags);
int install_or_put(struct file *file, int flags);
void do_close_on_exec(void);

/* fs_struct.c */
struct fs_struct *copy_fs_struct(struct fs_struct *old);
void put_fs_struct(struct fs_struct *fs);

/* read_write.c */
ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t pos);
ssize_t kernel_write(struct file *file, const void *buf, size_t count, loff_t pos);
ssize_t vfs_read(struct file *file, char __user *buf, size_t count, loff_t *pos);
ssize_t vfs_write(struct file *file, const char __user *buf, size_t count, loff_t *pos);
loff_t no_llseek(struct file *file, loff_t offset, int whence);
loff_t noop_llseek(struct file *file, loff_t offset, int whence);
loff_t generic_file_llseek(struct file *file, loff_t offset, int whence);

/* filemap.c */
int generic_file_mmap(struct file *file, struct vm_area_struct *vma);

/* readdir.c */
struct dir_context {
	loff_t pos;			/* of the next entry; 0 and 1 are . and .. */
	char __user *dirent;
	size_t room, filled;
	int error;
};

bool dir_emit(struct dir_context *ctx, const char *name, unsigned long ino, umode_t mode);
bool dir_emit_dots(struct file *file, struct dir_context *ctx);
int dcache_readdir(struct file *file, struct dir_context *ctx);

/* kernel/printk/devkmsg.c */
extern const struct file_operations kmsg_fops;

/* char_dev.c */
int register_chrdev(dev_t dev, const char *name, umode_t mode, const struct file_operations *fops);
const struct file_operations *chrdev_fops(dev_t dev);
int populate_dev(struct dentry *dir);

static inline struct inode *file_inode(const struct file *file)
{
	return file->f_inode;
}

static inline void inode_lock(struct inode *inode)
{
	mutex_lock(&inode->i_rwsem);
}

static inline void inode_unlock(struct inode *inode)
{
	mutex_unlock(&inode->i_rwsem);
}

#endif
