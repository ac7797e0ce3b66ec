/* /proc/PID/fd: a link for each open file (Linux: fs/proc/fd.c). */
#include <linux/mm.h>
#include <linux/string.h>
#include "internal.h"

static struct file *file_of(const struct inode *inode)
{
	struct task_struct *task = proc_task(inode);
	unsigned int fd = PROC_I(inode)->fd;

	return task && task->files && fd < NR_OPEN_DEFAULT ? task->files->fd_array[fd] : NULL;
}

static struct dentry *fd_jump_link(struct dentry *dentry)
{
	struct file *file = file_of(dentry->d_inode);

	return file ? dget(file->f_path.dentry) : ERR_PTR(-ENOENT);
}

static int fd_get_link(struct dentry *dentry, char *buf)
{
	struct file *file = file_of(dentry->d_inode);
	char *path = file ? d_path(file->f_path.dentry, buf, PATH_MAX) : ERR_PTR(-ENOENT);

	if (IS_ERR(path))
		return PTR_ERR(path);
	memmove(buf, path, strlen(path) + 1);
	return strlen(buf);
}

static const struct inode_operations fd_link_inode_operations = { .get_link = fd_get_link, .jump_link = fd_jump_link };

/* The mode tells how the file is open: r-x for reading, -wx for writing. */
static struct dentry *proc_fd_lookup(struct inode *dir, struct dentry *parent, const struct qstr *name)
{
	struct task_struct *task = proc_task(dir);
	struct dentry *dentry;
	struct file *file;
	unsigned int fd;

	if (!name_to_number(name, &fd) || fd >= NR_OPEN_DEFAULT || !task || !task->files)
		return ERR_PTR(-ENOENT);
	file = task->files->fd_array[fd];
	if (!file)
		return ERR_PTR(-ENOENT);
	dentry = proc_dentry(parent, name, S_IFLNK | 0100 | (file->f_mode & FMODE_READ ? 0400 : 0) |
			     (file->f_mode & FMODE_WRITE ? 0200 : 0), PROC_I(dir)->pid, dir->i_ino << 8 | fd);
	if (!IS_ERR(dentry)) {
		PROC_I(dentry->d_inode)->fd = fd;
		dentry->d_inode->i_op = &fd_link_inode_operations;
	}
	return dentry;
}

static int proc_fd_readdir(struct file *file, struct dir_context *ctx)
{
	struct task_struct *task = proc_task(file->f_inode);
	char name[16];

	if (!task || !task->files)
		return -ENOENT;
	if (!dir_emit_dots(file, ctx))
		return 0;
	while (ctx->pos < NR_OPEN_DEFAULT + 2) {
		unsigned int fd = ctx->pos - 2;

		if (!task->files->fd_array[fd]) {
			ctx->pos++;
			continue;
		}
		snprintf(name, sizeof(name), "%u", fd);
		if (!dir_emit(ctx, name, file->f_inode->i_ino << 8 | fd, S_IFLNK))
			break;
	}
	return 0;
}

const struct inode_operations proc_fd_inode_operations = { .lookup = proc_fd_lookup };
const struct file_operations proc_fd_operations = {
	.llseek = generic_file_llseek,
	.iterate_shared = proc_fd_readdir,
};
