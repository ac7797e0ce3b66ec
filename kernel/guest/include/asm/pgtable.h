#ifndef _ASM_PGTABLE_H
#define _ASM_PGTABLE_H

#include <asm/page.h>

/* Bits of an entry at any level (SDM 3A 4.5). */
#define _PAGE_PRESENT		0x001UL
#define _PAGE_RW		0x002UL
#define _PAGE_USER		0x004UL
#define _PAGE_PWT		0x008UL
#define _PAGE_PCD		0x010UL
#define _PAGE_ACCESSED		0x020UL
#define _PAGE_DIRTY		0x040UL
#define _PAGE_PSE		0x080UL
#define _PAGE_GLOBAL		0x100UL
#define _PAGE_SPECIAL		0x200UL		/* ours to use: no struct page is counted for it */
#define _PAGE_PROTNONE		0x100UL		/* in an entry without _PAGE_PRESENT: a page that PROT_NONE closes */
#define _PAGE_NX		(1UL << 63)

#define PTE_PFN_MASK		0x000ffffffffff000UL

#define _KERNPG_TABLE		(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY)
#define _PAGE_TABLE		(_KERNPG_TABLE | _PAGE_USER)

#define __PAGE_KERNEL_RO	(_PAGE_PRESENT | _PAGE_ACCESSED | _PAGE_GLOBAL | _PAGE_NX)
#define __PAGE_KERNEL		(_KERNPG_TABLE | _PAGE_GLOBAL | _PAGE_NX)
#define __PAGE_KERNEL_NOCACHE	(__PAGE_KERNEL | _PAGE_PCD | _PAGE_PWT)
#define __PAGE_KERNEL_LARGE	(__PAGE_KERNEL | _PAGE_PSE)

/* What a kernel's entry may have: no _PAGE_GLOBAL where the processor has none, or ring 3 other tables (init.c). */
extern u64 __default_kernel_pte_mask;

#define PAGE_KERNEL_RO		(__PAGE_KERNEL_RO & __default_kernel_pte_mask)
#define PAGE_KERNEL		(__PAGE_KERNEL & __default_kernel_pte_mask)
#define PAGE_KERNEL_NOCACHE	(__PAGE_KERNEL_NOCACHE & __default_kernel_pte_mask)
#define PAGE_KERNEL_LARGE	(__PAGE_KERNEL_LARGE & __default_kernel_pte_mask)

#define PTRS_PER_TABLE		512

typedef u64 pte_t;		/* an entry of the last level */
typedef u64 pgd_t;		/* an entry of the first level */

struct mm_struct;

/* Sizes of pages, by the level of the entry that maps them. */
enum pg_level { PG_LEVEL_4K = 1, PG_LEVEL_2M, PG_LEVEL_1G, PG_LEVEL_NUM };

extern unsigned long direct_pages_count[PG_LEVEL_NUM];

extern pgd_t init_top_pgt[PTRS_PER_TABLE];	/* of four levels; with five, what the new top one's last entry points to */

extern bool __pgtable_l5_enabled;

/* Are there five levels: chosen at boot (mm/la57.c)? */
static inline bool pgtable_l5_enabled(void)
{
	return __pgtable_l5_enabled;
}

#define PGTABLE_LEVELS (pgtable_l5_enabled() ? 5 : 4)

/* Replace an entry at once: the processors set its accessed and dirty bits meanwhile (SDM 3A 4.8). */
static inline pte_t xchg_pte(pte_t *ptep, pte_t pte)
{
	asm volatile("xchgq %0, %1" : "+r"(pte), "+m"(*ptep) : : "memory");
	return pte;
}

static inline void pte_clear_bits(pte_t *ptep, u64 bits)
{
	asm volatile("lock andq %1, %0" : "+m"(*ptep) : "r"(~bits) : "memory");
}

static inline bool pte_none(pte_t pte)
{
	return !pte;
}

/* Does it hold a page, be it one that no access may reach? */
static inline bool pte_present(pte_t pte)
{
	return pte & (_PAGE_PRESENT | _PAGE_PROTNONE);
}

static inline bool pte_write(pte_t pte)
{
	return pte & _PAGE_RW;
}

static inline bool pte_dirty(pte_t pte)
{
	return pte & _PAGE_DIRTY;
}

static inline bool pte_young(pte_t pte)
{
	return pte & _PAGE_ACCESSED;
}

static inline bool pte_special(pte_t pte)
{
	return pte & _PAGE_SPECIAL;
}

static inline unsigned long pte_pfn(pte_t pte)
{
	return (pte & PTE_PFN_MASK) >> PAGE_SHIFT;
}

static inline pte_t pfn_pte(unsigned long pfn, u64 prot)
{
	return pfn << PAGE_SHIFT | prot;
}

#define mk_pte(page, prot) pfn_pte(page_to_pfn(page), prot)

#define _PAGE_CHG_MASK (PTE_PFN_MASK | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_SPECIAL)

/* The same page with other rights. */
static inline pte_t pte_modify(pte_t pte, u64 prot)
{
	return (pte & _PAGE_CHG_MASK) | (prot & ~_PAGE_CHG_MASK);
}

/* Direct-map address of the page or table that an entry points to. */
static inline void *pte_page_address(pte_t pte)
{
	return __va(pte & PTE_PFN_MASK);
}

/* Index of va in its table of the given level: 1 the page table, PGTABLE_LEVELS the top. */
static inline unsigned int table_index(unsigned long va, int level)
{
	return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PTRS_PER_TABLE - 1);
}

/* The page that reads as zeros wherever it is mapped, read-only (Linux: the same). */
extern u8 empty_zero_page[PAGE_SIZE];

pte_t *lookup_pte(pgd_t *pgd, unsigned long va);
pte_t *next_pte(pgd_t *pgd, unsigned long *va, unsigned long end);
pte_t *alloc_pte(pgd_t *pgd, unsigned long va);
pgd_t *pgd_alloc(void);
void pgd_free(pgd_t *pgd);
void free_pgd_range(pgd_t *pgd, unsigned long va);

#endif
