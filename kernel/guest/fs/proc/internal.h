#ifndef _FS_PROC_INTERNAL_H
#define _FS_PROC_INTERNAL_H

#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

struct pid_entry;

/* An inode below a task's directory: it goes with its dentry, and is made anew for each walk. */
struct proc_inode {
	struct inode vfs_inode;
	pid_t pid;
	unsigned int fd;		/* in the directory fd */
	const struct pid_entry *entry;
};

/* A file or link of a task's directory: show makes a file's text, get_link and jump_link a link's. */
struct pid_entry {
	const char *name;
	umode_t mode;
	int (*show)(struct seq_file *m, struct task_struct *task);
	int (*get_link)(struct task_struct *task, char *buf);
	struct dentry *(*jump)(struct task_struct *task);
	ssize_t (*write)(struct task_struct *task, const char __user *buf, size_t count);
};

static inline struct proc_inode *PROC_I(const struct inode *inode)
{
	return (struct proc_inode *)inode;
}

extern struct super_block proc_sb;

/* root.c */
struct dentry *proc_dentry(struct dentry *parent, const struct qstr *name, umode_t mode, pid_t pid, unsigned long ino);

/* base.c */
struct dentry *proc_pid_lookup(struct dentry *parent, const struct qstr *name);
int proc_pid_readdir(struct file *file, struct dir_context *ctx);
struct task_struct *proc_task(const struct inode *inode);
bool name_to_number(const struct qstr *name, unsigned int *number);

/* fd.c */
extern const struct inode_operations proc_fd_inode_operations;
extern const struct file_operations proc_fd_operations;

/* array.c, task_mmu.c: of a task's files, the text. */
int proc_pid_status(struct seq_file *m, struct task_struct *task);
int proc_pid_stat(struct seq_file *m, struct task_struct *task);
int proc_pid_statm(struct seq_file *m, struct task_struct *task);
int proc_pid_maps(struct seq_file *m, struct task_struct *task);
int proc_pid_cmdline(struct seq_file *m, struct task_struct *task);
int proc_pid_environ(struct seq_file *m, struct task_struct *task);
int proc_pid_auxv(struct seq_file *m, struct task_struct *task);
void show_map_vma(struct seq_file *m, const struct mm_struct *mm, const struct vm_area_struct *vma);
struct file *get_task_exe_file(struct task_struct *task);

/* task_smaps.c */
int proc_pid_smaps(struct seq_file *m, struct task_struct *task);
int proc_pid_smaps_rollup(struct seq_file *m, struct task_struct *task);
ssize_t proc_pid_clear_refs(struct task_struct *task, const char __user *buf, size_t count);

/* generic.c: a file whose text show makes. */
int proc_create_single(const char *name, int (*show)(struct seq_file *m));
int mounts_show(struct seq_file *m);
int cpuinfo_show(struct seq_file *m);

#endif
