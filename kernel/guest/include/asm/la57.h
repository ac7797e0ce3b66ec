#ifndef _ASM_LA57_H
#define _ASM_LA57_H

#include <asm/pgtable.h>

extern pgd_t level3_ident_pgt[PTRS_PER_TABLE];

/* la57.S: paging off, CR4.LA57 set, paging on with another CR3; the caller and cr3 are mapped by both. Interrupts off. */
void la57_enable(unsigned long cr3);
void la57_init(void);
void map_identity(bool on);

#endif
