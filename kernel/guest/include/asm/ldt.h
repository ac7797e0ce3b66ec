#ifndef _ASM_LDT_H
#define _ASM_LDT_H

#include <asm/desc.h>

/* A segment as modify_ldt and set_thread_area describe it (Linux: arch/x86/include/uapi/asm/ldt.h). */
struct user_desc {
	u32 entry_number;
	u32 base_addr;
	u32 limit;
	u32 seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1, seg_not_present : 1, useable : 1,
	    lm : 1;
};

#define MODIFY_LDT_CONTENTS_STACK	1	/* data that grows down */
#define MODIFY_LDT_CONTENTS_CODE	2

#define LDT_ENTRIES	(PAGE_SIZE / sizeof(struct desc_struct))	/* Linux: 8192 */

struct mm_struct;
struct task_struct;
struct thread_struct;

/* ldt.c */
void fill_ldt(struct desc_struct *desc, const struct user_desc *info);
bool user_desc_is_empty(const struct user_desc *info);
void load_mm_ldt(const struct mm_struct *mm);
int ldt_dup_context(struct mm_struct *mm, const struct mm_struct *oldmm);
void destroy_context_ldt(struct mm_struct *mm);

/* tls.c */
void load_TLS(const struct thread_struct *thread);

#endif
