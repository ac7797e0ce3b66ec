/*
 * Ports for ring 3. The processor lets IN and OUT pass if CPL is at most IOPL, or if the port's bit in the TSS is
 * clear. ioperm clears bits. iopl raised IOPL until Linux 5.4, which gave CLI and STI too; since then it clears all
 * bits instead. "iopl=flags" brings the old way back (Linux: arch/x86/kernel/ioport.c).
 */
#include <asm/irqflags.h>
#include <asm/processor.h>
#include <linux/cred.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

static bool iopl_by_flags;

static int __init iopl_setup(char *str)
{
	iopl_by_flags = !strcmp(str, "flags");
	return iopl_by_flags || !strcmp(str, "bitmap");
}
__setup("iopl=", iopl_setup);

/* Make the TSS say what thread may do: interrupts off. The bitmap that nobody sees is not cleared. */
void tss_update_io_bitmap(const struct thread_struct *thread)
{
	struct tss_struct *tss = this_cpu_ptr(&cpu_tss_rw);
	int i;

	if (thread->iopl_emul == 3) {
		memset(tss->io_bitmap, 0, IO_BITMAP_BYTES);
	} else if (thread->io_bitmap[0]) {
		for (i = 0; i < IO_BITMAP_PAGES; i++)
			memcpy(tss->io_bitmap + i * PAGE_SIZE, thread->io_bitmap[i], PAGE_SIZE);
	} else {
		tss->x86_tss.io_bitmap_base = IO_BITMAP_INVALID;
		return;
	}
	tss->x86_tss.io_bitmap_base = IO_BITMAP_OFFSET;
}

void free_io_bitmap(struct thread_struct *thread)
{
	int i;

	for (i = 0; i < IO_BITMAP_PAGES; i++) {
		if (thread->io_bitmap[i])
			free_page(thread->io_bitmap[i]);
		thread->io_bitmap[i] = NULL;
	}
}

/* Pages of ones, or copies of from's: false when memory is out. */
static bool alloc_io_bitmap(struct thread_struct *thread, const struct thread_struct *from)
{
	int i;

	for (i = 0; i < IO_BITMAP_PAGES; i++) {
		thread->io_bitmap[i] = get_zeroed_page();
		if (!thread->io_bitmap[i]) {
			free_io_bitmap(thread);
			return false;
		}
		if (from)
			memcpy(thread->io_bitmap[i], from->io_bitmap[i], PAGE_SIZE);
		else
			memset(thread->io_bitmap[i], 0xff, PAGE_SIZE);
	}
	return true;
}

/* fork: the child may what its parent may; thread is a copy of the parent's until here. */
bool io_bitmap_share(struct thread_struct *thread)
{
	if (!current->thread.io_bitmap[0])
		return true;
	memset(thread->io_bitmap, 0, sizeof(thread->io_bitmap));
	return alloc_io_bitmap(thread, &current->thread);
}

static void update_now(void)
{
	unsigned long flags = local_irq_save();

	tss_update_io_bitmap(&current->thread);
	local_irq_restore(flags);
}

noinline long sys_ioperm(unsigned long from, unsigned long num, int turn_on)
{
	struct thread_struct *thread = &current->thread;
	unsigned long port;

	if (from + num <= from || from + num > IO_BITMAP_BITS)
		return -EINVAL;
	if (turn_on && current_cred()->euid != GLOBAL_ROOT_UID)
		return -EPERM;
	if (!thread->io_bitmap[0] && !turn_on)
		return 0;
	if (!thread->io_bitmap[0] && !alloc_io_bitmap(thread, NULL))
		return -ENOMEM;
	for (port = from; port < from + num; port++) {
		u8 *byte = thread->io_bitmap[port / 8 / PAGE_SIZE] + port / 8 % PAGE_SIZE;

		*byte = turn_on ? *byte & ~(1 << port % 8) : *byte | 1 << port % 8;
	}
	update_now();
	return 0;
}

noinline long sys_iopl(unsigned int level)
{
	struct thread_struct *thread = &current->thread;
	struct pt_regs *regs = current_pt_regs();
	unsigned int old = iopl_by_flags ? regs->flags >> 12 & 3 : thread->iopl_emul;

	if (level > 3)
		return -EINVAL;
	if (level > old && current_cred()->euid != GLOBAL_ROOT_UID)
		return -EPERM;
	if (iopl_by_flags) {
		regs->flags = (regs->flags & ~(unsigned long)X86_EFLAGS_IOPL) | (unsigned long)level << 12;
		return 0;
	}
	thread->iopl_emul = level;
	update_now();
	return 0;
}
