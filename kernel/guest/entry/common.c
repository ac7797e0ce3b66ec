/* The C side of entering and leaving the kernel; called by entry_64.S. */
#include <asm/irqflags.h>
#include <asm/traps.h>
#include <asm/unistd.h>
#include <linux/interrupt.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/syscalls.h>

bool do_syscall_64(struct pt_regs *regs, int nr);

/* Interrupts off. Give way to other tasks and take signals, as often as there is cause. */
static noinline void exit_to_user_mode_loop(struct pt_regs *regs)
{
	while (current->need_resched || signal_pending(current)) {
		local_irq_enable();
		spawn_ksoftirqd();
		if (current->need_resched)
			schedule();
		if (signal_pending(current))
			arch_do_signal_or_restart(regs);
		local_irq_disable();
	}
}

/* The first C function of every entry from ring 3, interrupts off: from here on this processor alone is in the kernel. */
noinline void enter_from_user_mode(void)
{
	lock_kernel();
}

/* The last C function before an exception, an interrupt or a fork returns to ring 3; interrupts off. */
void irqentry_exit_to_user_mode(struct pt_regs *regs)
{
	/* A gate to ring 1 was interrupted: what is due, signals above all, is due when it is back in ring 3. */
	if (user_mode(regs))
		exit_to_user_mode_loop(regs);
	unlock_kernel();
}

/* The last C function of a system call; leaves interrupts off for the return. */
static noinline void syscall_exit_to_user_mode(struct pt_regs *regs)
{
	local_irq_disable();
	irqentry_exit_to_user_mode(regs);
}

/*
 * The registers are not those of the call any more: leave by IRETQ whatever they look like. Linux before 4.20 had
 * start_thread and arch_prctl say so; since then it looks at the registers alone.
 */
noinline void force_iret(void)
{
	current->thread.status |= TS_FORCE_IRET;
}

/*
 * SYSRET takes RIP from RCX and RFLAGS from R11 and knows two selectors; anything else needs IRETQ. With a
 * non-canonical RIP it would fault in ring 0 on the user's stack (SDM 2B SYSRET).
 */
static bool sysret_can_restore(const struct pt_regs *regs)
{
	bool forced = current->thread.status & TS_FORCE_IRET;

	current->thread.status &= ~TS_FORCE_IRET;
	return !forced && regs->cx == regs->ip && regs->r11 == regs->flags &&
	       regs->cs == __USER_CS && regs->ss == __USER_DS && regs->ip < TASK_SIZE &&
	       !(regs->flags & (X86_EFLAGS_RF | X86_EFLAGS_TF));
}

/* Called by entry_SYSCALL_64 with interrupts off; true if SYSRET may return. */
noinline bool do_syscall_64(struct pt_regs *regs, int nr)
{
	unsigned int unr = nr;

	enter_from_user_mode();
	current->thread.regs = regs;
	local_irq_enable();
	if (likely(unr < __NR_syscalls))
		regs->ax = sys_call_table[unr](regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9);
	else
		regs->ax = sys_ni_syscall();
	syscall_exit_to_user_mode(regs);
	return sysret_can_restore(regs);
}

/* The tables hold functions of fewer parameters: they ignore the registers beyond their own. */
#define __SYSCALL(nr, symbol) [nr] = (sys_call_ptr_t)(void (*)(void))symbol,

const sys_call_ptr_t sys_call_table[] = {
#include <asm/syscalls_64.h>
};

const sys_call_ptr_t ia32_sys_call_table[] = {
#include <asm/syscalls_32.h>
};

BUILD_BUG_ON(ARRAY_SIZE(sys_call_table) != __NR_syscalls);
BUILD_BUG_ON(ARRAY_SIZE(ia32_sys_call_table) != __NR_ia32_syscalls);
