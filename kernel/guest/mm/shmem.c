/*
 * Memory that is shared without a file that anyone can name: a file without a name, whose pages are the memory. So
 * MAP_SHARED | MAP_ANONYMOUS is a mapping like any other. Linux: mm/shmem.c. Its pages do not go to the swap disk.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>

static struct super_block shm_mnt = { .s_type = &tmpfs_fs_type, .s_magic = TMPFS_MAGIC, .s_dev = MKDEV(0, 1) };

/* A file of size bytes, all zeros, with one reference; NULL when memory is out. */
static struct file *shmem_file_setup(const char *name, loff_t size)
{
	struct inode *inode = new_inode(&shm_mnt, S_IFREG | 0777);
	struct dentry *dentry = inode ? d_alloc_pseudo(name, inode) : NULL;
	struct file *file;

	if (!dentry) {
		if (inode)
			iput(inode);
		return NULL;
	}
	inode->i_size = size;
	file = alloc_file(dentry, O_RDWR, &ramfs_file_operations);
	if (!file)
		dput(dentry);
	return file;
}

/* Called by mmap for a shared area without a file: 0, or -ENOMEM. */
noinline int shmem_zero_setup(struct vm_area_struct *vma)
{
	struct file *file = shmem_file_setup("/dev/zero (deleted)", vma->vm_end - vma->vm_start);

	if (!file)
		return -ENOMEM;
	if (vma->vm_file)
		fput(vma->vm_file);
	vma->vm_file = file;
	vma->vm_pgoff = 0;
	return generic_file_mmap(file, vma);
}
