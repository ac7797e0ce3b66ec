#ifndef _LINUX_BLKDEV_H
#define _LINUX_BLKDEV_H

#include <linux/types.h>

#define SECTOR_SHIFT	9

/* A disk whose sectors are read and written page by page; there is no queue, since no one sleeps for it. */
struct block_device {
	const char *bd_name;
	unsigned long bd_nr_sectors;
	/* Count sectors from sector on, between the disk and memory: 0 or -EIO. */
	int (*rw_sectors)(unsigned long sector, void *buf, unsigned int count, bool write);
};

/* ata.c: the one disk there can be, or NULL. */
struct block_device *ata_disk(void);

#endif
