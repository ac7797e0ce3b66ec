/* System calls of 32-bit programs by SYSENTER (Linux: arch/x86/entry/common.c, arch/x86/entry/syscall_32.c). */
#include <asm/irqflags.h>
#include <asm/traps.h>
#include <asm/uaccess.h>
#include <asm/unistd.h>
#include <asm/vdso.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

#define IA32_SPACE_END 0x100000000UL

void do_SYSENTER_32(struct pt_regs *regs);

/* Numbers, pointers and sizes of 32 bits: what the upper halves hold was never meant. */
static noinline void do_syscall_32_irqs_on(struct pt_regs *regs, unsigned int nr)
{
	if (nr >= __NR_ia32_syscalls)
		return;
	current->thread.status |= TS_COMPAT;
	regs->ax = ia32_sys_call_table[nr]((u32)regs->bx, (u32)regs->cx, (u32)regs->dx, (u32)regs->si,
					   (u32)regs->di, (u32)regs->bp);
	current->thread.status &= ~TS_COMPAT;
}

/*
 * Called by entry_SYSENTER_compat, interrupts off. The program comes back at the vDSO's landing pad, wherever it
 * called from: a 64-bit program, which has none, has nowhere to go back to.
 */
noinline void do_SYSENTER_32(struct pt_regs *regs)
{
	unsigned int nr = regs->orig_ax;
	u32 bp;

	enter_from_user_mode();
	current->thread.regs = regs;
	regs->sp = (u32)regs->bp;
	regs->ip = vdso32_return_address();
	local_irq_enable();
	if (regs->ip >= IA32_SPACE_END) {
		force_fatal_sig(SIGSEGV);
	} else if (copy_from_user(&bp, (const void __user *)regs->sp, sizeof(bp))) {
		regs->ax = -EFAULT;
	} else {
		regs->bp = bp;
		do_syscall_32_irqs_on(regs, nr);
	}
	local_irq_disable();
	irqentry_exit_to_user_mode(regs);
}
