/*
 * Three segments of the GDT that are a thread's own: 32-bit programs keep the address of their thread-local storage
 * there. The GDT belongs to the processor, so the slots change hands at each switch (Linux: arch/x86/kernel/tls.c).
 */
#include <asm/irqflags.h>
#include <asm/ldt.h>
#include <asm/uaccess.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

#define TLS_ENTRIES (GDT_ENTRY_TLS_MAX - GDT_ENTRY_TLS_MIN + 1)

void load_TLS(const struct thread_struct *thread)
{
	memcpy(&this_cpu_ptr(&gdt_page)->gdt[GDT_ENTRY_TLS_MIN], thread->tls_array, sizeof(thread->tls_array));
}

/* The first slot that is not present, as a GDT entry number, or -ESRCH. */
static int get_free_idx(void)
{
	int i;

	for (i = 0; i < TLS_ENTRIES; i++)
		if (!current->thread.tls_array[i].p)
			return GDT_ENTRY_TLS_MIN + i;
	return -ESRCH;
}

static bool tls_desc_okay(const struct user_desc *info)
{
	return user_desc_is_empty(info) ||
	       (info->seg_32bit && info->contents <= MODIFY_LDT_CONTENTS_STACK && !info->seg_not_present);
}

/* Entry number -1 asks for a free one, and is told which. */
noinline long sys_set_thread_area(struct user_desc __user *u_info)
{
	struct desc_struct desc = { 0 };
	struct user_desc info;
	unsigned long flags;
	int idx;

	if (copy_from_user(&info, u_info, sizeof(info)))
		return -EFAULT;
	if (!tls_desc_okay(&info))
		return -EINVAL;
	idx = info.entry_number == (u32)-1 ? get_free_idx() : (int)info.entry_number;
	if (idx == -ESRCH)
		return idx;
	if (idx < GDT_ENTRY_TLS_MIN || idx > GDT_ENTRY_TLS_MAX)
		return -EINVAL;
	if (info.entry_number == (u32)-1 && copy_to_user(&u_info->entry_number, &idx, sizeof(idx)))
		return -EFAULT;
	if (!user_desc_is_empty(&info))
		fill_ldt(&desc, &info);
	flags = local_irq_save();
	current->thread.tls_array[idx - GDT_ENTRY_TLS_MIN] = desc;
	load_TLS(&current->thread);
	local_irq_restore(flags);
	return 0;
}
