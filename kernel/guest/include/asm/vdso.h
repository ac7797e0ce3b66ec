#ifndef _ASM_VDSO_H
#define _ASM_VDSO_H

#include <linux/mm.h>

/* Pages that the kernel lends every program. */
int arch_setup_additional_pages(struct mm_struct *mm, bool compat);

#endif
