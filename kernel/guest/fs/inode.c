/* Inodes: files without their names, and who may do what with them (Linux: fs/inode.c, fs/attr.c). */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

static unsigned long last_ino;

/* The time that files keep. */
struct timespec current_time(void)
{
	u64 now = local_clock();

	return (struct timespec) { now / NSEC_PER_SEC, now % NSEC_PER_SEC };
}

/* new_inode as the first member of something of size bytes. */
struct inode *alloc_inode(struct super_block *sb, umode_t mode, size_t size)
{
	struct inode *inode = kzalloc(size);

	if (!inode)
		return NULL;
	inode->i_mode = mode;
	inode->i_uid = current_cred()->fsuid;
	inode->i_gid = current_cred()->fsgid;
	inode->i_count = 1;
	inode->i_nlink = 1;
	inode->i_ino = ++last_ino;
	inode->i_atime = inode->i_mtime = inode->i_ctime = current_time();
	inode->i_sb = sb;
	mutex_init(&inode->i_rwsem);
	return inode;
}

/* A file without a name, one reference, owned by the caller; NULL when memory is out. */
struct inode *new_inode(struct super_block *sb, umode_t mode)
{
	return alloc_inode(sb, mode, sizeof(struct inode));
}

/* The last reference frees the file's bytes. */
void iput(struct inode *inode)
{
	if (--inode->i_count)
		return;
	truncate_inode_pages(&inode->i_data, 0);
	free_pipe_info(inode->i_pipe);
	kfree(inode->i_link);
	kfree(inode);
}

/* Its bytes or names have changed. */
void inode_dirtied(struct inode *inode)
{
	inode->i_mtime = inode->i_ctime = current_time();
}

/* The three bits of the mode that concern the caller. */
static int mode_bits(const struct inode *inode)
{
	if (current_cred()->fsuid == inode->i_uid)
		return inode->i_mode >> 6 & 7;
	if (current_cred()->fsgid == inode->i_gid)
		return inode->i_mode >> 3 & 7;
	return inode->i_mode & 7;
}

/*
 * -EACCES unless the caller may do all that mask says. Root may do all, but run only what someone may run
 * (generic_permission).
 */
noinline int inode_permission(const struct inode *inode, int mask)
{
	if (current_cred()->fsuid == GLOBAL_ROOT_UID)
		return mask & MAY_EXEC && !S_ISDIR(inode->i_mode) && !(inode->i_mode & 0111) ? -EACCES : 0;
	return mask & ~mode_bits(inode) ? -EACCES : 0;
}

/* May the caller change its mode and times? */
bool inode_owner_or_capable(const struct inode *inode)
{
	return current_cred()->fsuid == inode->i_uid || current_cred()->fsuid == GLOBAL_ROOT_UID;
}
