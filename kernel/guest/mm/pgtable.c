/* Walking and building the four levels of page tables (SDM 3A 4.5). */
#include <asm/processor.h>
#include <linux/mm.h>
#include <linux/string.h>

/* The table below entry, or NULL; made when absent if create. Lower levels decide about rights. */
static u64 *next_table(u64 *entry, bool create, u64 table_flags)
{
	void *table;

	if (*entry & _PAGE_PSE)
		return NULL;
	if (!(*entry & _PAGE_PRESENT)) {
		table = create ? get_zeroed_page() : NULL;
		if (!table)
			return NULL;
		*entry = __pa(table) | table_flags;
	}
	return pte_page_address(*entry);
}

static pte_t *walk(pgd_t *pgd, unsigned long va, bool create)
{
	u64 table_flags = va < TASK_SIZE ? _PAGE_TABLE : _KERNPG_TABLE;
	u64 *table = pgd;
	int level;

	for (level = 4; level > 1; level--) {
		table = next_table(&table[table_index(va, level)], create, table_flags);
		if (!table)
			return NULL;
	}
	return &table[table_index(va, 1)];
}

/* The 4 KiB entry that maps va; NULL if a table is missing or the page is larger. */
pte_t *lookup_pte(pgd_t *pgd, unsigned long va)
{
	return walk(pgd, va, false);
}

/* The same, with missing tables made; NULL when memory is out. */
pte_t *alloc_pte(pgd_t *pgd, unsigned long va)
{
	return walk(pgd, va, true);
}

/* A top table whose upper half is the kernel's; NULL when memory is out. */
pgd_t *pgd_alloc(void)
{
	pgd_t *pgd = get_zeroed_page();

	if (pgd)
		memcpy(pgd + PTRS_PER_TABLE / 2, init_top_pgt + PTRS_PER_TABLE / 2, PAGE_SIZE / 2);
	return pgd;
}

static void free_tables(u64 *table, int level)
{
	unsigned int i, entries = level == 4 ? PTRS_PER_TABLE / 2 : PTRS_PER_TABLE;

	for (i = 0; level > 1 && i < entries; i++)
		if (table[i] & _PAGE_PRESENT)
			free_tables(pte_page_address(table[i]), level - 1);
	free_page(table);
}

/* Free all tables of the user's half; their pages must be gone. */
void pgd_free(pgd_t *pgd)
{
	free_tables(pgd, 4);
}

/* Free the pages of [start, end), page-aligned, and forget them. */
void free_user_pages(pgd_t *pgd, unsigned long start, unsigned long end)
{
	unsigned long va;

	for (va = start; va < end; va += PAGE_SIZE) {
		pte_t *pte = lookup_pte(pgd, va);

		if (!pte) {
			va = ALIGN_DOWN(va, PMD_SIZE) + PMD_SIZE - PAGE_SIZE;
			continue;
		}
		if (pte_present(*pte)) {
			free_page(pte_page_address(*pte));
			*pte = 0;
			invlpg(va);
		}
	}
}
