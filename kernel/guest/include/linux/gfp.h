#ifndef _LINUX_GFP_H
#define _LINUX_GFP_H

#include <linux/types.h>

struct page;

/* What an allocation may do to succeed (Linux: include/linux/gfp_types.h, whose numbers these are). */
typedef unsigned int gfp_t;

#define __GFP_HIGH		0x020u		/* may use the last pages */
#define __GFP_IO		0x040u		/* may write pages to a disk */
#define __GFP_FS		0x080u
#define __GFP_ZERO		0x100u
#define __GFP_DIRECT_RECLAIM	0x400u		/* may take pages from others */
#define __GFP_KSWAPD_RECLAIM	0x800u
#define __GFP_HARDWALL		0x100000u	/* for a user: the reserve is not for it */

#define GFP_KERNEL	(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_USER	(GFP_KERNEL | __GFP_HARDWALL)

/* page_alloc.c: one page, with one reference; NULL when memory is out. */
struct page *alloc_page(gfp_t gfp_mask);
void get_page(struct page *page);
void put_page(struct page *page);

/* The same by direct-map address. free_page drops a reference: who else holds the page keeps it. */
void *get_zeroed_page(void);
void *get_zeroed_page_pair(void);
void free_page(void *address);

/* What freed text is overwritten with: int3 in all of it. */
#define POISON_FREE_INITMEM	0xcc

/*
 * Give the allocator pages that were reserved: [start, end) of the direct map or the kernel's image. They are
 * overwritten with poison, or with -1 are left as they are; the log says what they were.
 */
void free_reserved_area(void *start, void *end, int poison, const char *what);

#endif
