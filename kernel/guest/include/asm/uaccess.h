#ifndef _ASM_UACCESS_H
#define _ASM_UACCESS_H

#include <linux/kernel.h>

/*
 * The only way to the user's memory. A fault in one of these is looked up in __ex_table and ends in its
 * fixup, so a bad pointer is -EFAULT and never the kernel's death.
 */
#define USER_DS		TASK_SIZE
#define KERNEL_DS	(~0UL)

struct exception_table_entry {
	s32 insn;		/* both relative to their own address */
	s32 fixup;
};

#define _ASM_EXTABLE(from, to)								\
	".pushsection __ex_table, \"a\"\n"						\
	".balign 4\n"									\
	".long " #from " - .\n"								\
	".long " #to " - .\n"								\
	".popsection\n"

/* How far user pointers reach: KERNEL_DS while kernel code calls a system call's function itself. */
void set_fs(unsigned long limit);
bool access_ok(const void __user *ptr, unsigned long size);

/* Bytes that could not be copied: 0 is success. */
unsigned long copy_from_user(void *to, const void __user *from, unsigned long n);
unsigned long copy_to_user(void __user *to, const void *from, unsigned long n);

unsigned long clear_user(void __user *to, unsigned long n);

/* Length of the string, -EFAULT, or count if it did not end within count bytes. */
long strncpy_from_user(char *dst, const char __user *src, long count);

/* A user's path as a new allocation of at most PATH_MAX bytes, or ERR_PTR. */
char *getname(const char __user *filename);
char *getname_flags(const char __user *filename, bool empty_ok);

/* One value of the pointer's own type; 0 or -EFAULT. */
#define get_user(x, ptr) (copy_from_user(&(x), ptr, sizeof(*(ptr))) ? -EFAULT : 0)
#define put_user(x, ptr)								\
	({										\
		__typeof__(*(ptr)) __value = (x);					\
		copy_to_user(ptr, &__value, sizeof(__value)) ? -EFAULT : 0;		\
	})

struct pt_regs;
bool fixup_exception(struct pt_regs *regs);

#endif
