/* What an oops tells: registers, and who called whom (Linux: arch/x86/kernel/dumpstack.c). */
#include <asm/traps.h>
#include <linux/kallsyms.h>
#include <linux/sched.h>

#define TRACE_MAX 32

static void show_ip(const struct pt_regs *regs)
{
	char symbol[KSYM_SYMBOL_LEN];

	if (user_mode(regs))
		snprintf(symbol, sizeof(symbol), "%#lx", regs->ip);
	else
		sprint_symbol(symbol, regs->ip);
	printk(KERN_ERR "RIP: %04lx:%s\n", regs->cs, symbol);
}

/* Along the saved frame pointers, as long as they lead up the task's stack. */
static void show_trace(const struct pt_regs *regs)
{
	unsigned long bp = regs->bp, low = (unsigned long)current->stack;
	char symbol[KSYM_SYMBOL_LEN];
	int depth;

	printk(KERN_ERR "Call Trace:\n");
	for (depth = 0; depth < TRACE_MAX; depth++) {
		const unsigned long *frame = (const unsigned long *)bp;

		if (bp < low || bp > low + THREAD_SIZE - 2 * sizeof(long) || (bp & 7))
			break;
		sprint_symbol(symbol, frame[1]);
		printk(KERN_ERR " %s\n", symbol);
		if (frame[0] <= bp)
			break;
		bp = frame[0];
	}
}

/* The registers as Linux's oops prints them. */
void show_regs(const struct pt_regs *regs)
{
	printk(KERN_ERR "CPU: 0 PID: %d Comm: %s\n", current->pid, current->comm);
	show_ip(regs);
	printk(KERN_ERR "RSP: %04lx:%016lx EFLAGS: %08lx\n", regs->ss, regs->sp, regs->flags);
	printk(KERN_ERR "RAX: %016lx RBX: %016lx RCX: %016lx\n", regs->ax, regs->bx, regs->cx);
	printk(KERN_ERR "RDX: %016lx RSI: %016lx RDI: %016lx\n", regs->dx, regs->si, regs->di);
	printk(KERN_ERR "RBP: %016lx R08: %016lx R09: %016lx\n", regs->bp, regs->r8, regs->r9);
	printk(KERN_ERR "R10: %016lx R11: %016lx R12: %016lx\n", regs->r10, regs->r11, regs->r12);
	printk(KERN_ERR "R13: %016lx R14: %016lx R15: %016lx\n", regs->r13, regs->r14, regs->r15);
	printk(KERN_ERR "CR2: %016lx CR3: %016lx CR4: %016lx\n", read_cr2(), read_cr3(), read_cr4());
	if (!user_mode(regs))
		show_trace(regs);
}
