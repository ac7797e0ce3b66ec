/* /proc/PID and /proc/PID/task/TID: what is in a task's directory (Linux: fs/proc/base.c). */
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include "internal.h"

bool name_to_number(const struct qstr *name, unsigned int *number)
{
	size_t i;

	*number = 0;
	for (i = 0; i < name->len; i++) {
		if (name->name[i] < '0' || name->name[i] > '9' || i > 6)
			return false;
		*number = *number * 10 + name->name[i] - '0';
	}
	return name->len && (name->name[0] != '0' || name->len == 1);
}

/* Whose file it is; NULL if the task is gone. */
struct task_struct *proc_task(const struct inode *inode)
{
	return find_task_by_vpid(PROC_I(inode)->pid);
}

static int comm_show(struct seq_file *m, struct task_struct *task)
{
	seq_printf(m, "%s\n", task->comm);
	return 0;
}

static ssize_t comm_write(struct task_struct *task, const char __user *buf, size_t count)
{
	char comm[TASK_COMM_LEN] = { 0 };
	size_t n = min(count, sizeof(comm) - 1);

	if (copy_from_user(comm, buf, n))
		return -EFAULT;
	if (n && comm[n - 1] == '\n')
		comm[n - 1] = '\0';
	set_task_comm(task, comm);
	return count;
}

/* A file that is only written to. */
static int nothing_show(struct seq_file *m, struct task_struct *task)
{
	return -EINVAL;
}

static int personality_show(struct seq_file *m, struct task_struct *task)
{
	seq_printf(m, "%08x\n", task->personality);
	return 0;
}

static int pid_mounts_show(struct seq_file *m, struct task_struct *task)
{
	return mounts_show(m);
}

/* A kernel thread has no program, and a zombie has no directories any more. */
static struct dentry *exe_dentry(struct task_struct *task)
{
	struct file *file = get_task_exe_file(task);

	return file ? dget(file->f_path.dentry) : ERR_PTR(-ENOENT);
}

static struct dentry *cwd_dentry(struct task_struct *task)
{
	return task->fs ? dget(task->fs->pwd.dentry) : ERR_PTR(-ENOENT);
}

static struct dentry *root_dentry(struct task_struct *task)
{
	return task->fs ? dget(task->fs->root.dentry) : ERR_PTR(-ENOENT);
}

static const struct pid_entry tgid_base_stuff[] = {
	{ .name = "auxv", .mode = S_IFREG | 0400, .show = proc_pid_auxv },
	{ .name = "clear_refs", .mode = S_IFREG | 0200, .show = nothing_show, .write = proc_pid_clear_refs },
	{ .name = "cmdline", .mode = S_IFREG | 0444, .show = proc_pid_cmdline },
	{ .name = "comm", .mode = S_IFREG | 0644, .show = comm_show, .write = comm_write },
	{ .name = "cwd", .mode = S_IFLNK | 0777, .jump = cwd_dentry },
	{ .name = "environ", .mode = S_IFREG | 0400, .show = proc_pid_environ },
	{ .name = "exe", .mode = S_IFLNK | 0777, .jump = exe_dentry },
	{ .name = "fd", .mode = S_IFDIR | 0500 },
	{ .name = "maps", .mode = S_IFREG | 0444, .show = proc_pid_maps },
	{ .name = "mounts", .mode = S_IFREG | 0444, .show = pid_mounts_show },
	{ .name = "personality", .mode = S_IFREG | 0400, .show = personality_show },
	{ .name = "root", .mode = S_IFLNK | 0777, .jump = root_dentry },
	{ .name = "smaps", .mode = S_IFREG | 0444, .show = proc_pid_smaps },
	{ .name = "smaps_rollup", .mode = S_IFREG | 0444, .show = proc_pid_smaps_rollup },
	{ .name = "stat", .mode = S_IFREG | 0444, .show = proc_pid_stat },
	{ .name = "statm", .mode = S_IFREG | 0444, .show = proc_pid_statm },
	{ .name = "status", .mode = S_IFREG | 0444, .show = proc_pid_status },
	{ .name = "task", .mode = S_IFDIR | 0555 },	/* the last: a thread's directory ends before it */
};

/* How many of them a directory below /proc, or below a task directory, has. */
static size_t nr_entries(const struct dentry *dir)
{
	return ARRAY_SIZE(tgid_base_stuff) - (dir->d_parent->d_inode->i_op != proc_sb.s_root->d_inode->i_op);
}

static int show_entry(struct seq_file *m)
{
	struct inode *inode = m->private;
	struct task_struct *task = proc_task(inode);

	return task ? PROC_I(inode)->entry->show(m, task) : -ESRCH;
}

static ssize_t proc_pid_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return single_read(show_entry, file->f_inode, buf, count, pos);
}

static ssize_t proc_pid_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	const struct pid_entry *entry = PROC_I(file->f_inode)->entry;
	struct task_struct *task = proc_task(file->f_inode);

	if (!task)
		return -ESRCH;
	return entry->write ? entry->write(task, buf, count) : -EINVAL;
}

static const struct file_operations proc_pid_file_operations = {
	.read = proc_pid_read,
	.write = proc_pid_write,
	.llseek = generic_file_llseek,
};

static struct dentry *proc_pid_jump_link(struct dentry *dentry)
{
	struct task_struct *task = proc_task(dentry->d_inode);

	return task ? PROC_I(dentry->d_inode)->entry->jump(task) : ERR_PTR(-ENOENT);
}

/* What readlink tells: the path of the file that the link leads to. */
static int proc_pid_get_link(struct dentry *dentry, char *buf)
{
	struct dentry *target = proc_pid_jump_link(dentry);
	char *path;

	if (IS_ERR(target))
		return PTR_ERR(target);
	path = d_path(target, buf, PATH_MAX);
	dput(target);
	if (IS_ERR(path))
		return PTR_ERR(path);
	memmove(buf, path, strlen(path) + 1);
	return strlen(buf);
}

static const struct inode_operations proc_pid_link_inode_operations = {
	.get_link = proc_pid_get_link,
	.jump_link = proc_pid_jump_link,
};

static const struct inode_operations proc_tgid_base_inode_operations;
static const struct file_operations proc_tgid_base_operations;

/* /proc/PID/task: a directory for each thread. */
static struct dentry *proc_task_lookup(struct inode *dir, struct dentry *parent, const struct qstr *name)
{
	struct task_struct *leader = proc_task(dir), *task;
	struct dentry *dentry;
	unsigned int pid;

	task = name_to_number(name, &pid) ? find_task_by_vpid(pid) : NULL;
	if (!leader || !task || task->tgid != leader->tgid)
		return ERR_PTR(-ENOENT);
	dentry = proc_dentry(parent, name, S_IFDIR | 0555, pid, pid << 8 | 0xff);
	if (!IS_ERR(dentry)) {
		dentry->d_inode->i_op = &proc_tgid_base_inode_operations;
		dentry->d_inode->i_fop = &proc_tgid_base_operations;
	}
	return dentry;
}

static int proc_task_readdir(struct file *file, struct dir_context *ctx)
{
	struct task_struct *leader = proc_task(file->f_inode), *t;
	loff_t index = 2;
	char name[16];

	if (!leader)
		return -ENOENT;
	if (!dir_emit_dots(file, ctx))
		return 0;
	for_each_thread(leader, t) {
		if (index++ < ctx->pos)
			continue;
		snprintf(name, sizeof(name), "%d", t->pid);
		if (!dir_emit(ctx, name, t->pid << 8 | 0xff, S_IFDIR))
			break;
	}
	return 0;
}

static const struct inode_operations proc_task_inode_operations = { .lookup = proc_task_lookup };
static const struct file_operations proc_task_operations = {
	.llseek = generic_file_llseek,
	.iterate_shared = proc_task_readdir,
};

static void set_operations(struct inode *inode, const struct pid_entry *entry)
{
	PROC_I(inode)->entry = entry;
	if (S_ISREG(entry->mode)) {
		inode->i_fop = &proc_pid_file_operations;
	} else if (S_ISLNK(entry->mode)) {
		inode->i_op = &proc_pid_link_inode_operations;
	} else {
		bool is_fd = !strcmp(entry->name, "fd");

		inode->i_op = is_fd ? &proc_fd_inode_operations : &proc_task_inode_operations;
		inode->i_fop = is_fd ? &proc_fd_operations : &proc_task_operations;
	}
}

static struct dentry *proc_tgid_base_lookup(struct inode *dir, struct dentry *parent, const struct qstr *name)
{
	size_t i;

	for (i = 0; i < nr_entries(parent); i++) {
		const struct pid_entry *entry = &tgid_base_stuff[i];
		struct dentry *dentry;

		if (strlen(entry->name) != name->len || memcmp(entry->name, name->name, name->len))
			continue;
		dentry = proc_dentry(parent, name, entry->mode, PROC_I(dir)->pid, dir->i_ino + i + 1);
		if (!IS_ERR(dentry))
			set_operations(dentry->d_inode, entry);
		return dentry;
	}
	return ERR_PTR(-ENOENT);
}

static int proc_tgid_base_readdir(struct file *file, struct dir_context *ctx)
{
	if (!proc_task(file->f_inode))
		return -ENOENT;
	if (!dir_emit_dots(file, ctx))
		return 0;
	while ((size_t)ctx->pos - 2 < nr_entries(file->f_path.dentry)) {
		const struct pid_entry *entry = &tgid_base_stuff[ctx->pos - 2];

		if (!dir_emit(ctx, entry->name, file->f_inode->i_ino + ctx->pos - 1, entry->mode))
			break;
	}
	return 0;
}

static const struct inode_operations proc_tgid_base_inode_operations = { .lookup = proc_tgid_base_lookup };
static const struct file_operations proc_tgid_base_operations = {
	.llseek = generic_file_llseek,
	.iterate_shared = proc_tgid_base_readdir,
};

/* A task's directory, by its number; a thread's too, though it is not listed. */
struct dentry *proc_pid_lookup(struct dentry *parent, const struct qstr *name)
{
	struct task_struct *task;
	struct dentry *dentry;
	unsigned int pid;

	task = name_to_number(name, &pid) ? find_task_by_vpid(pid) : NULL;
	if (!task)
		return ERR_PTR(-ENOENT);
	dentry = proc_dentry(parent, name, S_IFDIR | 0555, pid, pid << 8);
	if (IS_ERR(dentry))
		return dentry;
	dentry->d_inode->i_uid = task->cred->euid;
	dentry->d_inode->i_gid = task->cred->egid;
	dentry->d_inode->i_op = &proc_tgid_base_inode_operations;
	dentry->d_inode->i_fop = &proc_tgid_base_operations;
	return dentry;
}

#define TGID_OFFSET 256		/* positions of the numbered directories in /proc: that much plus the number */

static struct task_struct *next_tgid(pid_t from)
{
	struct task_struct *p, *next = NULL;

	for_each_process(p)
		if (p->tgid >= from && (!next || p->tgid < next->tgid))
			next = p;
	return next;
}

int proc_pid_readdir(struct file *file, struct dir_context *ctx)
{
	struct task_struct *task;
	char name[16];

	ctx->pos = max(ctx->pos, (loff_t)TGID_OFFSET);
	while ((task = next_tgid(ctx->pos - TGID_OFFSET))) {
		ctx->pos = task->tgid + TGID_OFFSET;
		snprintf(name, sizeof(name), "%d", task->tgid);
		if (!dir_emit(ctx, name, task->tgid << 8, S_IFDIR))
			break;
	}
	return 0;
}
