#ifndef _LINUX_MOUNT_H
#define _LINUX_MOUNT_H

#include <linux/list.h>

struct dentry;
struct super_block;

/* Flags of a mount and of a super block: none is set, as no mount option is heeded. */
#define MNT_NOSUID	0x01
#define MNT_NODEV	0x02
#define MNT_NOEXEC	0x04
#define MNT_NOATIME	0x08
#define MNT_NODIRATIME	0x10
#define MNT_RELATIME	0x20

struct vfsmount {
	struct dentry *mnt_root;	/* the tree's root */
	struct super_block *mnt_sb;
	int mnt_flags;
};

/* A tree and its place (Linux: fs/mount.h). */
struct mount {
	struct mount *mnt_parent;	/* itself: the first */
	struct dentry *mnt_mountpoint;	/* the directory that mnt_root covers; mnt_root: it covers none */
	struct vfsmount mnt;
	const char *mnt_devname;	/* as mount(2) was told */
	struct list_head mnt_list;	/* of mnt_namespace.list */
};

struct mnt_namespace {
	struct mount *root;
	struct list_head list;		/* of mount.mnt_list, oldest first */
	unsigned int mounts;
};

/* The namespaces of a task (Linux: linux/nsproxy.h); there is one of each kind. */
struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

extern struct mnt_namespace init_mnt_ns;
extern struct nsproxy init_nsproxy;

/* namespace.c */
void add_mount(struct super_block *sb);
void mnt_init(void);

#endif
