/* Files whose bytes are the page cache and nothing else (Linux: fs/ramfs, mm/filemap.c, fs/libfs.c). */
#include <asm/page.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

/* What is left of a chunk that must not cross a page. */
static size_t chunk_at(loff_t pos, size_t left)
{
	return min(left, PAGE_SIZE - offset_in_page(pos));
}

/* The first byte that could not be copied ends it: then done bytes were. */
static ssize_t read_pages(const struct address_space *mapping, char __user *buf, size_t count, loff_t pos)
{
	size_t done = 0;

	while (done < count) {
		size_t n = chunk_at(pos + done, count - done);
		const char *page = filemap_get_page(mapping, (pos + done) >> PAGE_SHIFT);
		size_t left = page ? copy_to_user(buf + done, page + offset_in_page(pos + done), n)
				   : clear_user(buf + done, n);

		done += n - left;
		if (left)
			return done ? (ssize_t)done : -EFAULT;
	}
	return done;
}

static ssize_t write_pages(struct address_space *mapping, const char __user *buf, size_t count, loff_t pos)
{
	size_t done = 0;

	while (done < count) {
		size_t n = chunk_at(pos + done, count - done), left;
		char *page = filemap_grab_page(mapping, (pos + done) >> PAGE_SHIFT);

		if (!page)
			return done ? (ssize_t)done : -ENOSPC;
		left = copy_from_user(page + offset_in_page(pos + done), buf + done, n);
		done += n - left;
		if (left)
			return done ? (ssize_t)done : -EFAULT;
	}
	return done;
}

/* The lock keeps the pages from being cut off while the copy sleeps. */
static noinline ssize_t generic_file_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct inode *inode = file->f_inode;
	ssize_t n = 0;

	inode_lock(inode);
	if (*pos < inode->i_size)
		n = read_pages(&inode->i_data, buf, min(count, (size_t)(inode->i_size - *pos)), *pos);
	inode_unlock(inode);
	if (n > 0)
		*pos += n;
	return n;
}

static noinline ssize_t generic_file_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct inode *inode = file->f_inode;
	ssize_t n = -EFBIG;

	inode_lock(inode);
	if (file->f_flags & O_APPEND)
		*pos = inode->i_size;
	if (*pos < MAX_LFS_FILESIZE)
		n = write_pages(&inode->i_data, buf, min(count, (size_t)(MAX_LFS_FILESIZE - *pos)), *pos);
	if (n > 0) {
		*pos += n;
		inode->i_size = max(inode->i_size, *pos);
		inode_dirtied(inode);
	}
	inode_unlock(inode);
	return count ? n : 0;
}

const struct file_operations ramfs_file_operations = {
	.read = generic_file_read,
	.write = generic_file_write,
	.llseek = generic_file_llseek,
	.mmap = generic_file_mmap,
};

static loff_t dcache_dir_lseek(struct file *file, loff_t offset, int whence)
{
	if (whence > SEEK_CUR || (whence == SEEK_SET && offset < 0))
		return -EINVAL;
	file->f_pos = whence == SEEK_CUR ? file->f_pos + offset : offset;
	return file->f_pos;
}

const struct file_operations simple_dir_operations = {
	.llseek = dcache_dir_lseek,
	.iterate_shared = dcache_readdir,
};

static int simple_get_link(struct dentry *dentry, char *buf)
{
	return strscpy(buf, dentry->d_inode->i_link, PATH_MAX);
}

const struct inode_operations simple_symlink_inode_operations = {
	.get_link = simple_get_link,
};

/* The directory that path's last component, which *last becomes, is in; made if it is not there. */
static struct dentry *make_parents(const char *path, struct qstr *last)
{
	struct dentry *dir = dget(current->fs->root.dentry);

	for (;;) {
		const char *end;
		struct dentry *next;

		while (*path == '/')
			path++;
		end = path + (strchr(path, '/') ? (size_t)(strchr(path, '/') - path) : strlen(path));
		*last = (struct qstr) { path, end - path };
		if (!*end)
			return dir;
		next = lookup_one(dir, last);
		if (IS_ERR(next) && PTR_ERR(next) == -ENOENT)
			next = vfs_create(dir, last, S_IFDIR | 0755, 0);
		dput(dir);
		if (IS_ERR(next))
			return next;
		dir = next;
		path = end;
	}
}

/*
 * For the kernel itself: make path of the given type, and the directories on the way. A directory may be there
 * already, anything else gives way. With a reference, or ERR_PTR.
 */
struct dentry *ramfs_mknod(const char *path, umode_t mode, dev_t dev)
{
	struct qstr last;
	struct dentry *dir = make_parents(path, &last), *child;

	if (IS_ERR(dir))
		return dir;
	child = last.len ? lookup_one(dir, &last) : dget(dir);
	if (!IS_ERR(child) && S_ISDIR(child->d_inode->i_mode)) {
		child->d_inode->i_mode = S_ISDIR(mode) ? mode : child->d_inode->i_mode;
		dput(dir);
		if (S_ISDIR(mode))
			return child;
		dput(child);
		return ERR_PTR(-EEXIST);
	}
	if (!IS_ERR(child)) {
		d_drop(child);
		dput(child);
		child = ERR_PTR(-ENOENT);
	}
	if (PTR_ERR(child) == -ENOENT)
		child = vfs_create(dir, &last, mode, dev);
	dput(dir);
	return child;
}

/* For the kernel itself: one more name for a file, which takes the place of what is there. */
struct dentry *ramfs_link(struct dentry *old, const char *path)
{
	struct dentry *dentry = ramfs_mknod(path, S_IFREG, 0);

	if (IS_ERR(dentry))
		return dentry;
	iput(dentry->d_inode);
	dentry->d_inode = old->d_inode;
	dentry->d_inode->i_count++;
	dentry->d_inode->i_nlink++;
	return dentry;
}

/*
 * A file without bytes of its own: reading and writing it are calls of the driver's functions. The caller keeps the
 * name, for remove_pseudo_dentry.
 */
struct dentry *create_pseudo_dentry(const char *path, umode_t mode, const struct file_operations *fops)
{
	struct dentry *dentry = ramfs_mknod(path, S_IFREG | mode, 0);

	if (!IS_ERR(dentry))
		dentry->d_inode->i_fop = fops;
	return dentry;
}

/* Its name goes; files that are open on it still have it. */
void remove_pseudo_dentry(struct dentry *dentry)
{
	dentry->d_inode->i_nlink--;
	d_drop(dentry);
	dput(dentry);
}

/* The same for good. */
int create_pseudo_file(const char *path, umode_t mode, const struct file_operations *fops)
{
	struct dentry *dentry = create_pseudo_dentry(path, mode, fops);

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	dput(dentry);
	return 0;
}
