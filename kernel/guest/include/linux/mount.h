#ifndef _LINUX_MOUNT_H
#define _LINUX_MOUNT_H

#define MOUNTS_MAX 16

struct super_block;

/* super.c: the trees in the order of their mounting; NULL where there is none. */
const struct super_block *mount_nr(unsigned int nr);
void add_mount(struct super_block *sb);
void mnt_init(void);

#endif
