/* Physical memory before anything was freed: what there is, less what is taken. */
#include <asm/page.h>
#include <linux/memblock.h>

struct memblock_type memblock_memory;
struct memblock_type memblock_reserved;

/* Where the search for the next page goes on; it never goes back. */
static unsigned long next_page;

static void memblock_append(struct memblock_type *type, unsigned long base, unsigned long size)
{
	if (type->cnt == MEMBLOCK_REGIONS)
		panic("memblock: no room for [%#lx, %#lx)", base, base + size);
	type->regions[type->cnt++] = (struct memblock_region) { base, size };
}

void memblock_add(unsigned long base, unsigned long size)
{
	memblock_append(&memblock_memory, base, size);
}

void memblock_reserve(unsigned long base, unsigned long size)
{
	memblock_append(&memblock_reserved, base, size);
}

/* The region of the list that a page at pa would touch, or NULL. */
static const struct memblock_region *region_at(const struct memblock_type *type, unsigned long pa)
{
	unsigned int i;

	for (i = 0; i < type->cnt; i++) {
		const struct memblock_region *region = &type->regions[i];

		if (pa < region->base + region->size && pa + PAGE_SIZE > region->base)
			return region;
	}
	return NULL;
}

bool memblock_is_memory(unsigned long pa)
{
	return region_at(&memblock_memory, pa);
}

/* The lowest whole page of memory at or above pa, or 0. */
static unsigned long next_page_of_memory(unsigned long pa)
{
	unsigned long best = 0;
	unsigned int i;

	for (i = 0; i < memblock_memory.cnt; i++) {
		const struct memblock_region *region = &memblock_memory.regions[i];
		unsigned long page = PAGE_ALIGN(max(pa, region->base));

		if (page + PAGE_SIZE <= region->base + region->size && (!best || page < best))
			best = page;
	}
	return best;
}

unsigned long memblock_alloc_page(void)
{
	unsigned long page = next_page_of_memory(next_page);
	const struct memblock_region *taken;

	while (page && (taken = region_at(&memblock_reserved, page)))
		page = next_page_of_memory(PAGE_ALIGN(taken->base + taken->size));
	if (page)
		next_page = page + PAGE_SIZE;
	return page;
}

/* The highest whole page of memory below pa, taken or not, or 0. */
unsigned long memblock_last_page_below(unsigned long pa)
{
	unsigned long best = 0;
	unsigned int i;

	for (i = 0; i < memblock_memory.cnt; i++) {
		const struct memblock_region *region = &memblock_memory.regions[i];
		unsigned long page = ALIGN_DOWN(min(pa, region->base + region->size), PAGE_SIZE) - PAGE_SIZE;

		if (region->base < pa && page >= region->base && page < pa)
			best = max(best, page);
	}
	return best;
}

unsigned long memblock_end_of_DRAM(void)
{
	unsigned long end = 0;
	unsigned int i;

	for (i = 0; i < memblock_memory.cnt; i++)
		end = max(end, memblock_memory.regions[i].base + memblock_memory.regions[i].size);
	return end;
}

unsigned long memblock_phys_mem_size(void)
{
	unsigned long size = 0;
	unsigned int i;

	for (i = 0; i < memblock_memory.cnt; i++)
		size += memblock_memory.regions[i].size;
	return size;
}

/* Bytes of the list's regions at or above pa. */
static unsigned long size_above(const struct memblock_type *type, unsigned long pa)
{
	unsigned long size = 0;
	unsigned int i;

	for (i = 0; i < type->cnt; i++) {
		unsigned long end = type->regions[i].base + type->regions[i].size;

		if (end > pa)
			size += end - max(pa, type->regions[i].base);
	}
	return size;
}

unsigned long memblock_free_size(void)
{
	unsigned long memory = size_above(&memblock_memory, next_page);
	unsigned long reserved = size_above(&memblock_reserved, next_page);

	return memory > reserved ? memory - reserved : 0;
}
