/*
 * Walking and building the four levels of page tables, or five (SDM 3A 4.5). Linux has a type and functions for each level,
 * and folds the fifth, its P4D, away where the processor has four; here a level is a number.
 */
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/pti.h>
#include <linux/mm.h>
#include <linux/string.h>

/* The table below entry, or NULL; made when absent if create. Lower levels decide about rights. */
static u64 *next_table(u64 *entry, bool create, u64 table_flags, bool user_pgd)
{
	void *table;
	u64 value;

	if (*entry & _PAGE_PSE)
		return NULL;
	if (!(*entry & _PAGE_PRESENT)) {
		table = create ? get_zeroed_page() : NULL;
		if (!table)
			return NULL;
		value = __pa(table) | table_flags;
		*entry = user_pgd ? pti_set_user_pgtbl(entry, value) : value;
	}
	return pte_page_address(*entry);
}

static pte_t *walk(pgd_t *pgd, unsigned long va, bool create)
{
	u64 table_flags = va < TASK_SIZE ? _PAGE_TABLE : _KERNPG_TABLE;
	u64 *table = pgd;
	int level;

	for (level = PGTABLE_LEVELS; level > 1; level--) {
		table = next_table(&table[table_index(va, level)], create, table_flags,
				   level == PGTABLE_LEVELS && va < TASK_SIZE);
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

/* The entry that maps *va, or *va moved to where the missing table's range ends. */
static pte_t *walk_or_skip(pgd_t *pgd, unsigned long *va)
{
	u64 *table = pgd;
	int level;

	for (level = PGTABLE_LEVELS; level > 1; level--) {
		u64 entry = table[table_index(*va, level)];
		unsigned long size = 1UL << (PAGE_SHIFT + 9 * (level - 1));

		if (!(entry & _PAGE_PRESENT) || (entry & _PAGE_PSE)) {
			*va = ALIGN_DOWN(*va, size) + size;
			return NULL;
		}
		table = pte_page_address(entry);
	}
	return &table[table_index(*va, 1)];
}

/* The first entry of [*va, end) that holds anything, *va then being what it maps; NULL if none does. */
pte_t *next_pte(pgd_t *pgd, unsigned long *va, unsigned long end)
{
	while (*va < end) {
		pte_t *pte = walk_or_skip(pgd, va);

		if (!pte)
			continue;
		if (!pte_none(*pte))
			return pte;
		*va += PAGE_SIZE;
	}
	return NULL;
}

/* A top table whose upper half is the kernel's, with isolation beside ring 3's; NULL when memory is out. */
pgd_t *pgd_alloc(void)
{
	pgd_t *pgd = boot_cpu_has(X86_FEATURE_PTI) ? get_zeroed_page_pair() : get_zeroed_page();

	if (!pgd)
		return NULL;
	memcpy(pgd + PTRS_PER_TABLE / 2, init_mm.pgd + PTRS_PER_TABLE / 2, PAGE_SIZE / 2);
	if (boot_cpu_has(X86_FEATURE_PTI))
		memcpy(kernel_to_user_pgdp(pgd), pti_user_pgt, PAGE_SIZE);
	return pgd;
}

static void free_tables(u64 *table, int level)
{
	unsigned int i, entries = level == PGTABLE_LEVELS ? PTRS_PER_TABLE / 2 : PTRS_PER_TABLE;

	for (i = 0; level > 1 && i < entries; i++)
		if (table[i] & _PAGE_PRESENT)
			free_tables(pte_page_address(table[i]), level - 1);
	free_page(table);
}

/* Free the tables of one entry of the top table, which va lies in; their pages must be gone. */
void free_pgd_range(pgd_t *pgd, unsigned long va)
{
	u64 *entry = &pgd[table_index(va, PGTABLE_LEVELS)];

	if (*entry & _PAGE_PRESENT)
		free_tables(pte_page_address(*entry), PGTABLE_LEVELS - 1);
	*entry = 0;
}

/* Free all tables of the user's half; their pages must be gone. */
void pgd_free(pgd_t *pgd)
{
	if (boot_cpu_has(X86_FEATURE_PTI))
		free_page(kernel_to_user_pgdp(pgd));
	free_tables(pgd, PGTABLE_LEVELS);
}
