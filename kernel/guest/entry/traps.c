/* What becomes of each exception: the task dies, or the kernel does, or nothing happened. */
#define pr_fmt(fmt) "traps: " fmt
#include <asm/irqflags.h>
#include <asm/traps.h>
#include <asm/uaccess.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

struct pt_regs *sync_regs(struct pt_regs *eregs);

/* Called by entry code on an interrupt stack, from ring 3: go on where the task's stack has room for it. */
struct pt_regs *sync_regs(struct pt_regs *eregs)
{
	struct pt_regs *regs = task_pt_regs(current);

	*regs = *eregs;
	return regs;
}

struct pt_regs *fixup_bad_iret(struct pt_regs *bad_regs);

/*
 * Called by entry code when IRETQ itself faulted: CS or SS in its frame name no segment any more that ring 3 may
 * have, since another thread changed the LDT. It looks as if the program had faulted where it was to go on.
 */
noinline struct pt_regs *fixup_bad_iret(struct pt_regs *bad_regs)
{
	struct pt_regs *regs = task_pt_regs(current), copy = *bad_regs;

	memcpy(&copy.ip, (const void *)bad_regs->sp, sizeof(copy) - offsetof(struct pt_regs, ip));
	*regs = copy;
	return regs;
}

/* The kernel itself went wrong: say where, and stop. */
noinline void die(const char *str, struct pt_regs *regs, long err)
{
	console_verbose();
	printk(KERN_ALERT "%s: %04lx [#1]\n", str, err & 0xffff);
	show_regs(regs);
	panic("Fatal exception");
}

/* One line in the log about a task that a trap kills, as Linux words it. */
static void show_signal(const char *type, const char *desc, struct pt_regs *regs, long error_code)
{
	pr_info("%s[%d] %s%s ip:%lx sp:%lx error:%lx", current->comm, current->pid, type, desc, regs->ip,
		regs->sp, error_code);
	print_vma_addr(" in ", regs->ip);
	pr_cont("\n");
}

/*
 * From ring 3: a signal, with si_code and si_addr if code is not 0. From ring 0: the end, unless the instruction
 * was expected to fault. A line in the log if the signal is going to end the task.
 */
static noinline void do_trap(int trapnr, int signr, const char *str, struct pt_regs *regs, long error_code, int code,
			     void __user *addr)
{
	if (!user_mode(regs)) {
		if (fixup_exception(regs))
			return;
		die(str, regs, error_code);
	}
	current->thread.trap_nr = trapnr;
	current->thread.error_code = error_code;
	if (unhandled_signal(current, signr))
		show_signal(trapnr == X86_TRAP_GP ? "" : "trap ", str, regs, error_code);
	if (code)
		force_sig_fault(signr, code, addr);
	else
		force_sig(signr);
}

#define DEFINE_EXCEPTION(name, trapnr, signr, str, code, addr)				\
	void name(struct pt_regs *regs, long error_code);				\
	noinline void name(struct pt_regs *regs, long error_code)			\
	{										\
		do_trap(trapnr, signr, str, regs, error_code, code, addr);		\
	}

#define IP ((void __user *)regs->ip)

DEFINE_EXCEPTION(exc_divide_error,		X86_TRAP_DE,		SIGFPE,	"divide error", FPE_INTDIV, IP)
DEFINE_EXCEPTION(exc_int3,			X86_TRAP_BP,		SIGTRAP, "int3", 0, NULL)
DEFINE_EXCEPTION(exc_overflow,			X86_TRAP_OF,		SIGSEGV, "overflow", 0, NULL)
DEFINE_EXCEPTION(exc_bounds,			X86_TRAP_BR,		SIGSEGV, "bounds", 0, NULL)
DEFINE_EXCEPTION(exc_invalid_op,		X86_TRAP_UD,		SIGILL,	"invalid opcode", ILL_ILLOPN, IP)
DEFINE_EXCEPTION(exc_device_not_available,	X86_TRAP_NM,		SIGSEGV, "device not available", 0, NULL)
DEFINE_EXCEPTION(exc_coproc_segment_overrun,	X86_TRAP_OLD_MF,	SIGFPE,	"coprocessor segment overrun", 0, NULL)
DEFINE_EXCEPTION(exc_invalid_tss,		X86_TRAP_TS,		SIGSEGV, "invalid TSS", 0, NULL)
DEFINE_EXCEPTION(exc_segment_not_present,	X86_TRAP_NP,		SIGBUS,	"segment not present", 0, NULL)
DEFINE_EXCEPTION(exc_stack_segment,		X86_TRAP_SS,		SIGBUS,	"stack segment", 0, NULL)
DEFINE_EXCEPTION(exc_general_protection,	X86_TRAP_GP,		SIGSEGV, "general protection fault", 0, NULL)
DEFINE_EXCEPTION(exc_alignment_check,		X86_TRAP_AC,		SIGBUS,	"alignment check", 0, NULL)
DEFINE_EXCEPTION(exc_coprocessor_error,		X86_TRAP_MF,		SIGFPE,	"fpu exception",
		 fpu_exception_code(X86_TRAP_MF), IP)
DEFINE_EXCEPTION(exc_simd_coprocessor_error,	X86_TRAP_XF,		SIGFPE,	"simd exception",
		 fpu_exception_code(X86_TRAP_XF), IP)

void exc_debug(struct pt_regs *regs, long error_code);
void exc_nmi(struct pt_regs *regs, long error_code);
void exc_double_fault(struct pt_regs *regs, long error_code);
void exc_machine_check(struct pt_regs *regs, long error_code);

/* Nobody asked for one in ring 0: drop the trap flag and go on. In ring 3 the task traced itself to death. */
noinline void exc_debug(struct pt_regs *regs, long error_code)
{
	if (!user_mode(regs)) {
		regs->flags &= ~(unsigned long)X86_EFLAGS_TF;
		return;
	}
	do_trap(X86_TRAP_DB, SIGTRAP, "debug", regs, error_code, TRAP_TRACE, IP);
}

noinline void exc_nmi(struct pt_regs *regs, long error_code)
{
	nmi_enter();
	printk(KERN_EMERG "Uhhuh. NMI received for unknown reason at ip %lx (%lx).\n", regs->ip, error_code);
	printk(KERN_EMERG "Dazed and confused, but trying to continue\n");
	nmi_exit();
}

/* An exception whose delivery faulted, as on a kernel stack that ran out. On a stack of its own. */
noinline void exc_double_fault(struct pt_regs *regs, long error_code)
{
	unsigned long address = read_cr2();

	console_verbose();
	if (stack_guard_hit(address))
		printk(KERN_EMERG "BUG: TASK stack guard page was hit at %016lx (stack is %016lx..%016lx)\n",
		       address, (unsigned long)current->stack,
		       (unsigned long)current->stack + THREAD_SIZE - 1);
	pr_emerg("PANIC: double fault, error_code: %#lx\n", error_code);
	show_regs(regs);
	panic("double fault");
}

noinline void exc_machine_check(struct pt_regs *regs, long error_code)
{
	console_verbose();
	show_regs(regs);
	panic("Machine check at ip %lx (%lx)", regs->ip, error_code);
}
