#ifndef _ASM_PTI_H
#define _ASM_PTI_H

#include <asm/pgtable.h>

/* What the tables of every ring 3 have of the kernel: a top table to copy. */
extern pgd_t pti_user_pgt[PTRS_PER_TABLE];

/* Ring 3's top table, or an entry in it, lies beside the kernel's (calling.h: PTI_USER_PGTABLE_MASK). */
static inline pgd_t *kernel_to_user_pgdp(pgd_t *pgdp)
{
	return (pgd_t *)((unsigned long)pgdp | PAGE_SIZE);
}

u64 pti_set_user_pgtbl(pgd_t *pgdp, u64 pgd);
void pti_check_boottime_disable(void);
void pti_init(void);

#endif
