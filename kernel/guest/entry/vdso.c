#include <asm/vdso.h>

int arch_setup_additional_pages(struct mm_struct *mm, bool compat)
{
	return 0;
}
