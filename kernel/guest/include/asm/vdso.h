#ifndef _ASM_VDSO_H
#define _ASM_VDSO_H

#include <linux/mm.h>

int arch_setup_additional_pages(struct mm_struct *mm, bool compat);
unsigned long vdso32_return_address(void);
void update_vsyscall(void);

/* vsyscall.c: true if the fault was a call of the vsyscall page, and is answered. */
struct pt_regs;
bool vsyscall_is_none(void);
bool emulate_vsyscall(unsigned long error_code, struct pt_regs *regs, unsigned long address);

#endif
