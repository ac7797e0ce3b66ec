/*
 * The x87 and SSE registers: a task's own, though the kernel never touches them. They are exchanged at a switch,
 * copied at a fork, set anew for a program, and go with a signal's frame (Linux: arch/x86/kernel/fpu).
 */
#include <asm/traps.h>
#include <linux/sched.h>
#include <linux/string.h>

#define MXCSR_DEFAULT		0x1f80
#define MXCSR_FEATURE_MASK	0xffbf	/* where the processor does not tell another (SDM 1 11.6.6) */

/* As a new program finds them. */
static struct fxregs_state init_fpstate;
static u32 mxcsr_feature_mask = MXCSR_FEATURE_MASK;

static void fxsave(struct fxregs_state *fx)
{
	asm volatile("fxsave64 %0" : "=m"(*fx));
}

static void fxrstor(const struct fxregs_state *fx)
{
	asm volatile("fxrstor64 %0" : : "m"(*fx));
}

void __init fpu_init(void)
{
	u32 mxcsr = MXCSR_DEFAULT;

	write_cr4(read_cr4() | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT);
	asm volatile("fninit");
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
	fxsave(&init_fpstate);
	if (init_fpstate.mxcsr_mask)
		mxcsr_feature_mask = init_fpstate.mxcsr_mask;
}

/* Called by __switch_to, interrupts off. */
void switch_fpu(struct task_struct *prev, struct task_struct *next)
{
	if (!(prev->flags & PF_KTHREAD))
		fxsave(&prev->thread.fpu);
	if (!(next->flags & PF_KTHREAD))
		fxrstor(&next->thread.fpu);
}

/* A child goes on with what its parent has now. */
void fpu_copy(struct thread_struct *dst)
{
	fxsave(&dst->fpu);
}

/* For a new program, and for a signal's handler. */
void fpu_flush_thread(void)
{
	fxrstor(&init_fpstate);
}

/* The current task's registers as they are now. */
struct fxregs_state *fpu_save(void)
{
	fxsave(&current->thread.fpu);
	return &current->thread.fpu;
}

/* Registers that a program wrote itself; false for an MXCSR that the processor would refuse. */
bool fpu_restore(const struct fxregs_state *fx)
{
	if (fx->mxcsr & ~mxcsr_feature_mask)
		return false;
	fxrstor(fx);
	return true;
}

/* Which floating-point fault it was, of those that are not masked: the si_code, 0 for none (SDM 1 8.5, 11.5). */
int fpu_exception_code(int trap_nr)
{
	static const struct { u16 bit; int code; } table[] = {
		{ 0x01, FPE_FLTINV }, { 0x04, FPE_FLTDIV }, { 0x08, FPE_FLTOVF }, { 0x12, FPE_FLTUND },
		{ 0x20, FPE_FLTRES },
	};
	const struct fxregs_state *fx = fpu_save();
	u32 raised = trap_nr == X86_TRAP_MF ? fx->swd & ~fx->cwd : fx->mxcsr & ~(fx->mxcsr >> 7);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (raised & table[i].bit)
			return table[i].code;
	return 0;
}
