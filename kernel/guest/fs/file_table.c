/* struct file: one opening of a file, shared by the descriptors and tasks that inherit it. */
#include <linux/fs.h>
#include <linux/mm.h>

/* An open file with one reference, which takes the one of dentry; NULL when memory is out. */
struct file *alloc_file(struct dentry *dentry, int flags, const struct file_operations *fops)
{
	struct file *file = kzalloc(sizeof(*file));

	if (!file)
		return NULL;
	file->f_path.dentry = dentry;
	file->f_inode = dentry->d_inode;
	file->f_op = fops;
	file->f_flags = flags;
	file->f_mode = ((flags & O_ACCMODE) + 1) & (FMODE_READ | FMODE_WRITE);
	file->f_count = 1;
	return file;
}

struct file *get_file(struct file *file)
{
	file->f_count++;
	return file;
}

void fput(struct file *file)
{
	if (--file->f_count)
		return;
	if (file->f_op->release)
		file->f_op->release(file->f_inode, file);
	dput(file->f_path.dentry);
	kfree(file);
}
