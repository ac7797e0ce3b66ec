/* The kernel's own address space: a direct map of exactly the RAM there is. */
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/string.h>

/* The address space of kernel threads and of the boot: no user half at all. */
struct mm_struct init_mm = {
	.pgd = init_top_pgt,
	.mmap = LIST_HEAD_INIT(init_mm.mmap),
	.mm_users = 1,
	.cpu_bitmap = { { 1 } },
	.mm_count = 2,		/* itself, and init_task that has it loaded */
};

u64 __default_kernel_pte_mask = ~_PAGE_GLOBAL;

/* From memblock, which the early map covers. */
static void *__init early_zeroed_page(void)
{
	unsigned long pa = memblock_alloc_page();

	if (!pa)
		panic("no memory for the kernel's page tables");
	return memset(__va(pa), 0, PAGE_SIZE);
}

/* The next level's table that an entry points to, made if absent. */
static u64 *__init early_table(u64 *entry)
{
	if (!(*entry & _PAGE_PRESENT))
		*entry = __pa(early_zeroed_page()) | _KERNPG_TABLE;
	return pte_page_address(*entry);
}

/* The direct map's view of the kernel's 2 MiB: no page of it executes, and text stays read-only. */
static u64 __init kernel_alias_pte(unsigned long pa)
{
	bool read_only = pa < __pa(_sdata) || (pa >= __pa(_sinittext) && pa < __pa(_einittext));

	return pa | (read_only ? PAGE_KERNEL_RO : PAGE_KERNEL);
}

static void __init map_kernel_alias(u64 *pmd)
{
	unsigned long base = __pa(_text);
	u64 *table = early_table(pmd);
	unsigned int i;

	for (i = 0; i < PTRS_PER_TABLE; i++)
		table[i] = kernel_alias_pte(base + i * PAGE_SIZE);
}

/* How much the direct map has in pages of each size, for /proc/meminfo. */
unsigned long direct_pages_count[PG_LEVEL_NUM];

/* All of the GiB at pa by one entry, if all of it is memory and none of it is the kernel's image. */
static bool __init map_direct_gigabyte(u64 *pud_table, unsigned long pa, unsigned long end)
{
	if (!boot_cpu_has(X86_FEATURE_GBPAGES) || pa % PUD_SIZE || pa + PUD_SIZE > end || pa <= LOAD_PHYSICAL_ADDR)
		return false;
	pud_table[table_index((unsigned long)__va(pa), 3)] = pa | PAGE_KERNEL_LARGE;
	direct_pages_count[PG_LEVEL_1G]++;
	return true;
}

static void __init map_direct(u64 *pud_table, unsigned long pa)
{
	unsigned long va = (unsigned long)__va(pa);
	u64 *pmd_table = early_table(&pud_table[table_index(va, 3)]);
	u64 *pmd = &pmd_table[table_index(va, 2)];

	if (*pmd & _PAGE_PRESENT)
		return;
	if (pa == LOAD_PHYSICAL_ADDR) {
		map_kernel_alias(pmd);
		direct_pages_count[PG_LEVEL_4K] += PTRS_PER_TABLE;
	} else {
		*pmd = pa | PAGE_KERNEL_LARGE;
		direct_pages_count[PG_LEVEL_2M]++;
	}
}

/* The largest pages that fit, as Linux's kernel_physical_mapping_init takes them. */
static void __init map_direct_region(u64 *pud_table, unsigned long pa, unsigned long end)
{
	while (pa < end) {
		bool large = map_direct_gigabyte(pud_table, pa, end);

		if (!large)
			map_direct(pud_table, pa);
		pa += large ? PUD_SIZE : PMD_SIZE;
	}
}

#define DIRECT_MAP_LIMIT (1UL << 39)	/* what one entry of the top table can map */

/*
 * A global entry outlives a write to CR3: all address spaces have the kernel in them, so a switch need not forget it.
 * With page-table isolation ring 3 must forget it.
 */
static void __init enable_global_pages(void)
{
	if (!boot_cpu_has(X86_FEATURE_PGE) || boot_cpu_has(X86_FEATURE_PTI))
		return;
	__default_kernel_pte_mask |= _PAGE_GLOBAL;
}

/* The image was mapped before that was known. */
static void __init set_kernel_image_global(void)
{
	unsigned long va;

	for (va = (unsigned long)_text; va < (unsigned long)_end; va += PAGE_SIZE)
		*lookup_pte(init_mm.pgd, va) |= _PAGE_GLOBAL & __default_kernel_pte_mask;
}

/* Replace head_64.S's map of the first GiB by one of all memory, in pages of 1 GiB and 2 MiB. */
static void __init init_mem_mapping(void)
{
	u64 entry = 0;
	u64 *pud_table = early_table(&entry);
	unsigned int i;

	for (i = 0; i < memblock_memory.cnt; i++) {
		const struct memblock_region *region = &memblock_memory.regions[i];

		if (region->base + region->size > DIRECT_MAP_LIMIT)
			panic("memory at %#lx is beyond the direct map", region->base + region->size);
		map_direct_region(pud_table, ALIGN_DOWN(region->base, PMD_SIZE), region->base + region->size);
	}
	init_top_pgt[table_index(PAGE_OFFSET, 4)] = entry;
	__flush_tlb_all();
}

/* A struct page for each page of [base, base + size): zeros, which is a page that nobody has. */
static void __init map_mem_map(u64 *pud_table, unsigned long base, unsigned long size)
{
	unsigned long va = ALIGN_DOWN((unsigned long)pfn_to_page(base >> PAGE_SHIFT), PAGE_SIZE);
	unsigned long end = (unsigned long)pfn_to_page((base + size) >> PAGE_SHIFT);

	for (; va < end; va += PAGE_SIZE) {
		u64 *pmd_table = early_table(&pud_table[table_index(va, 3)]);
		u64 *table = early_table(&pmd_table[table_index(va, 2)]);

		if (!table[table_index(va, 1)])
			table[table_index(va, 1)] = __pa(early_zeroed_page()) | PAGE_KERNEL;
	}
}

/* Pages that are taken already can be shared and counted, but never become free. */
static void __init reserve_pages(void)
{
	unsigned int i;

	for (i = 0; i < memblock_reserved.cnt; i++) {
		const struct memblock_region *region = &memblock_reserved.regions[i];
		unsigned long pfn = region->base >> PAGE_SHIFT;

		for (; pfn < PAGE_ALIGN(region->base + region->size) >> PAGE_SHIFT; pfn++)
			if (memblock_is_memory(pfn << PAGE_SHIFT))
				*pfn_to_page(pfn) = (struct page) { .flags = 1UL << PG_reserved,
								    ._refcount = 1, ._mapcount = -1 };
	}
}

/* The map of all page frames (Linux: mm/sparse-vmemmap.c). */
static void __init vmemmap_populate(void)
{
	u64 entry = 0;
	u64 *pud_table = early_table(&entry);
	unsigned int i;

	for (i = 0; i < memblock_memory.cnt; i++)
		map_mem_map(pud_table, memblock_memory.regions[i].base, memblock_memory.regions[i].size);
	init_top_pgt[table_index(VMEMMAP_START, 4)] = entry;
	reserve_pages();
}

/* Called by start_kernel after setup_arch; from here on pages and small objects can be had. */
void __init mem_init(void)
{
	enable_global_pages();
	init_mem_mapping();
	set_kernel_image_global();
	vmemmap_populate();
	vmalloc_init();
	printk(KERN_INFO "Memory: %luK/%luK available\n", nr_free_pages() * (PAGE_SIZE / 1024),
	       memblock_phys_mem_size() / 1024);
}
