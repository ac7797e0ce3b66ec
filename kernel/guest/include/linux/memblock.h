#ifndef _LINUX_MEMBLOCK_H
#define _LINUX_MEMBLOCK_H

#include <linux/types.h>

/* Which physical memory there is and which is taken; pages come from here until the first one is freed. */
struct memblock_region {
	unsigned long base;		/* physical, bytes */
	unsigned long size;
};

#define MEMBLOCK_REGIONS 64

struct memblock_type {
	unsigned int cnt;
	struct memblock_region regions[MEMBLOCK_REGIONS];
};

extern struct memblock_type memblock_memory;
extern struct memblock_type memblock_reserved;

void memblock_add(unsigned long base, unsigned long size);
void memblock_reserve(unsigned long base, unsigned long size);
unsigned long memblock_end_of_DRAM(void);
unsigned long memblock_last_page_below(unsigned long pa);
bool memblock_is_memory(unsigned long pa);

/* Physical address of a free, page-aligned page, or 0. Its bytes are what they were. */
unsigned long memblock_alloc_page(void);

/* Bytes of memory, and how many memblock still has to give. */
unsigned long memblock_phys_mem_size(void);
unsigned long memblock_free_size(void);

#endif
