#ifndef _ASM_PGTABLE_H
#define _ASM_PGTABLE_H

#include <asm/page.h>

/* Bits of an entry at any level (SDM 3A 4.5). */
#define _PAGE_PRESENT		0x001UL
#define _PAGE_RW		0x002UL
#define _PAGE_USER		0x004UL
#define _PAGE_ACCESSED		0x020UL
#define _PAGE_DIRTY		0x040UL
#define _PAGE_PSE		0x080UL
#define _PAGE_NX		(1UL << 63)

#define PTE_PFN_MASK		0x000ffffffffff000UL

#define _KERNPG_TABLE		(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY)
#define _PAGE_TABLE		(_KERNPG_TABLE | _PAGE_USER)

#define __PAGE_KERNEL_ROX	(_PAGE_PRESENT | _PAGE_ACCESSED)
#define __PAGE_KERNEL_RO	(_PAGE_PRESENT | _PAGE_ACCESSED | _PAGE_NX)
#define __PAGE_KERNEL		(_KERNPG_TABLE | _PAGE_NX)
#define __PAGE_KERNEL_LARGE	(__PAGE_KERNEL | _PAGE_PSE)

#define PTRS_PER_TABLE		512

typedef u64 pte_t;		/* an entry of the last level */
typedef u64 pgd_t;		/* an entry of the first level */

struct mm_struct;

extern pgd_t init_top_pgt[PTRS_PER_TABLE];

static inline bool pte_present(pte_t pte)
{
	return pte & _PAGE_PRESENT;
}

/* Direct-map address of the page or table that an entry points to. */
static inline void *pte_page_address(pte_t pte)
{
	return __va(pte & PTE_PFN_MASK);
}

/* Index of va in its table of the given level: 4 the top, 1 the page table. */
static inline unsigned int table_index(unsigned long va, int level)
{
	return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PTRS_PER_TABLE - 1);
}

pte_t *lookup_pte(pgd_t *pgd, unsigned long va);
pte_t *alloc_pte(pgd_t *pgd, unsigned long va);
pgd_t *pgd_alloc(void);
void pgd_free(pgd_t *pgd);
void free_user_pages(pgd_t *pgd, unsigned long start, unsigned long end);

#endif
