/* getdents64: the names in a directory (Linux: fs/readdir.c, fs/libfs.c). */
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

/* Store one entry; false when the buffer is full or the user's memory is not there. */
bool dir_emit(struct dir_context *ctx, const char *name, unsigned long ino, umode_t mode)
{
	size_t name_size = strlen(name) + 1;
	size_t reclen = ALIGN(DIRENT_HEADER + name_size, 8);
	struct linux_dirent64 header = {
		.d_ino = ino, .d_off = ctx->pos + 1, .d_reclen = reclen, .d_type = mode >> 12,
	};
	char __user *dirent = ctx->dirent + ctx->filled;

	if (reclen > ctx->room - ctx->filled) {
		ctx->error = -EINVAL;	/* the answer if not even one fits */
		return false;
	}
	if (clear_user(dirent, reclen) || copy_to_user(dirent, &header, DIRENT_HEADER) ||
	    copy_to_user(dirent + DIRENT_HEADER, name, name_size)) {
		ctx->error = -EFAULT;
		return false;
	}
	ctx->filled += reclen;
	ctx->pos++;
	return true;
}

bool dir_emit_dots(struct file *file, struct dir_context *ctx)
{
	const struct dentry *dir = file->f_path.dentry;

	if (ctx->pos == 0 && !dir_emit(ctx, ".", dir->d_inode->i_ino, S_IFDIR))
		return false;
	return ctx->pos != 1 || dir_emit(ctx, "..", dir->d_parent->d_inode->i_ino, S_IFDIR);
}

/* Of a directory whose names are all in the tree. The position counts them. */
int dcache_readdir(struct file *file, struct dir_context *ctx)
{
	struct dentry *child;
	loff_t index = 2;

	if (!dir_emit_dots(file, ctx))
		return 0;
	list_for_each_entry(child, &file->f_path.dentry->d_subdirs, d_child) {
		struct inode *inode = child->d_inode;

		if (index++ < ctx->pos)
			continue;
		if (!dir_emit(ctx, child->d_name.name, inode->i_ino, inode->i_mode))
			break;
	}
	return 0;
}

static noinline long iterate_dir(struct file *file, struct dir_context *ctx)
{
	int err;

	if (!S_ISDIR(file->f_inode->i_mode) || !file->f_op->iterate_shared)
		return -ENOTDIR;
	if (file->f_path.dentry->d_unlinked)
		return -ENOENT;
	err = file->f_op->iterate_shared(file, ctx);
	file->f_pos = ctx->pos;
	return err;
}

long sys_getdents64(unsigned int fd, void __user *dirent, unsigned int count)
{
	struct file *file = fget(fd);
	struct dir_context ctx = { .dirent = dirent, .room = count };
	long ret;

	if (!file)
		return -EBADF;
	ctx.pos = file->f_pos;
	ret = iterate_dir(file, &ctx);
	fput(file);
	if (ret)
		return ret;
	return ctx.filled ? (long)ctx.filled : ctx.error;
}
