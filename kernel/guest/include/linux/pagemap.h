#ifndef _LINUX_PAGEMAP_H
#define _LINUX_PAGEMAP_H

#include <linux/types.h>

struct inode;

/*
 * The page cache of one file: a radix tree of pages. At height 0 i_pages is page 0 itself; at height n it is a
 * page of pointers, each the root of a tree of height n - 1. A page that is not there is a hole, and reads as zeros.
 */
struct address_space {
	void *i_pages;
	unsigned int height;
	unsigned long nrpages;
};

#define MAX_LFS_FILESIZE	(1L << 39)	/* what a tree of height 3 holds, bytes */

/* filemap.c: pages by their number in the file; direct-map addresses. */
void *filemap_get_page(const struct address_space *mapping, unsigned long index);
void *filemap_grab_page(struct address_space *mapping, unsigned long index);
unsigned long nr_file_pages(void);
unsigned long max_file_pages(void);	/* how many there may be */
void truncate_inode_pages(struct address_space *mapping, loff_t size);

#endif
