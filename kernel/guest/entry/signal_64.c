/*
 * A handler's frame on the user's stack, as Linux lays it out (arch/x86/kernel/signal_64.c): what the program was
 * doing is written below its stack pointer, the handler is entered as if called, and rt_sigreturn, to which its RET
 * leads, reads all of it back.
 */
#include <asm/irqflags.h>
#include <asm/sigframe.h>
#include <asm/uaccess.h>
#include <asm/unistd.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

#define REDZONE		128	/* bytes below the stack pointer that a function may use without a word */
#define FRAME_ALIGNMENT	16

/* Flags that a program may set for itself (Linux: FIX_EFLAGS). */
#define FIX_EFLAGS (X86_EFLAGS_AC | X86_EFLAGS_OF | X86_EFLAGS_DF | X86_EFLAGS_TF | X86_EFLAGS_SF | X86_EFLAGS_ZF |	\
		    X86_EFLAGS_AF | X86_EFLAGS_PF | X86_EFLAGS_CF | X86_EFLAGS_RF)

static bool on_altstack(unsigned long sp)
{
	return sp > current->sas_ss_sp && sp - current->sas_ss_sp <= current->sas_ss_size;
}

/* Where the frame goes, and below what the x87 and SSE registers. On the other stack, if the handler wants that. */
static struct rt_sigframe __user *get_sigframe(const struct ksignal *ksig, const struct pt_regs *regs,
					       struct fxregs_state __user **fpstate)
{
	unsigned long sp = regs->sp - REDZONE;

	if ((ksig->ka.sa.sa_flags & SA_ONSTACK) && current->sas_ss_size && !on_altstack(regs->sp))
		sp = current->sas_ss_sp + current->sas_ss_size;
	sp = ALIGN_DOWN(sp - sizeof(struct fxregs_state), 64);
	*fpstate = (struct fxregs_state __user *)sp;
	/* As after a CALL: the address to return to lies 8 below the alignment. */
	sp = ALIGN_DOWN(sp - sizeof(struct rt_sigframe), FRAME_ALIGNMENT) - sizeof(long);
	return (struct rt_sigframe __user *)sp;
}

static void fill_sigcontext(struct sigcontext *sc, const struct pt_regs *regs, void __user *fpstate)
{
	*sc = (struct sigcontext) {
		.r8 = regs->r8, .r9 = regs->r9, .r10 = regs->r10, .r11 = regs->r11,
		.r12 = regs->r12, .r13 = regs->r13, .r14 = regs->r14, .r15 = regs->r15,
		.di = regs->di, .si = regs->si, .bp = regs->bp, .bx = regs->bx,
		.dx = regs->dx, .ax = regs->ax, .cx = regs->cx, .sp = regs->sp,
		.ip = regs->ip, .flags = regs->flags, .cs = regs->cs, .ss = regs->ss,
		.err = current->thread.error_code, .trapno = current->thread.trap_nr,
		.cr2 = current->thread.cr2, .fpstate = fpstate,
		.oldmask = (current->restore_sigmask ? &current->saved_sigmask : &current->blocked)->sig[0],
	};
}

static void fill_frame(struct rt_sigframe *frame, const struct ksignal *ksig, const struct pt_regs *regs,
		       void __user *fpstate)
{
	struct ucontext *uc = &frame->uc;

	frame->pretcode = (char __user *)ksig->ka.sa.sa_restorer;
	uc->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	uc->uc_link = NULL;
	uc->uc_stack.ss_sp = (void __user *)current->sas_ss_sp;
	uc->uc_stack.ss_size = current->sas_ss_size;
	uc->uc_stack.ss_flags = current->sas_ss_size ? (int)current->sas_ss_flags : SS_DISABLE;
	fill_sigcontext(&uc->uc_mcontext, regs, fpstate);
	uc->uc_sigmask.sig[0] = uc->uc_mcontext.oldmask;
	__builtin_memset(&frame->info, 0, sizeof(frame->info));
	frame->info.known = ksig->info;
}

/* Write the frame and turn the registers to the handler: 0 or -EFAULT. */
static noinline int setup_rt_frame(const struct ksignal *ksig, struct pt_regs *regs)
{
	struct fxregs_state __user *fpstate;
	struct rt_sigframe __user *frame = get_sigframe(ksig, regs, &fpstate);
	struct rt_sigframe kframe;

	if (!(ksig->ka.sa.sa_flags & SA_RESTORER) || (unsigned long)ksig->ka.sa.sa_handler >= TASK_SIZE)
		return -EFAULT;
	fill_frame(&kframe, ksig, regs, fpstate);
	if (copy_to_user(fpstate, fpu_save(), sizeof(*fpstate)) || copy_to_user(frame, &kframe, sizeof(kframe)))
		return -EFAULT;
	regs->di = ksig->sig;
	regs->ax = 0;
	regs->si = (unsigned long)&frame->info;
	regs->dx = (unsigned long)&frame->uc;
	regs->ip = (unsigned long)ksig->ka.sa.sa_handler;
	regs->sp = (unsigned long)frame;
	regs->cs = __USER_CS;
	regs->ss = __USER_DS;
	return 0;
}

/* A system call that the signal interrupted: is it made again after the handler, or does it say -EINTR? */
static void restart_after_handler(const struct ksignal *ksig, struct pt_regs *regs)
{
	switch ((long)regs->ax) {
	case -ERESTARTSYS:
		if (ksig->ka.sa.sa_flags & SA_RESTART)
			break;
		regs->ax = -EINTR;
		return;
	case -ERESTART_RESTARTBLOCK:
	case -ERESTARTNOHAND:
		regs->ax = -EINTR;
		return;
	case -ERESTARTNOINTR:
		break;
	default:
		return;
	}
	regs->ax = regs->orig_ax;
	regs->ip -= SYSCALL_INSN_SIZE;
}

static noinline void handle_signal(struct ksignal *ksig, struct pt_regs *regs)
{
	bool failed;

	if ((long)regs->orig_ax >= 0)
		restart_after_handler(ksig, regs);
	failed = setup_rt_frame(ksig, regs) < 0;
	if (!failed) {
		regs->flags &= ~(unsigned long)(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
		fpu_flush_thread();
	}
	signal_setup_done(failed, ksig);
}

/* No handler ran: the call is made again, as if nothing had been. */
static void restart_without_handler(struct pt_regs *regs)
{
	switch ((long)regs->ax) {
	case -ERESTARTNOHAND:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
		regs->ax = regs->orig_ax;
		regs->ip -= SYSCALL_INSN_SIZE;
		break;
	case -ERESTART_RESTARTBLOCK:
		regs->ax = __NR_restart_syscall;
		regs->ip -= SYSCALL_INSN_SIZE;
		break;
	}
}

/* Called by exit_to_user_mode_loop, interrupts on: at most one handler a time is entered, others on the way back. */
noinline void arch_do_signal_or_restart(struct pt_regs *regs)
{
	struct ksignal ksig;

	if (get_signal(&ksig)) {
		handle_signal(&ksig, regs);
		return;
	}
	if ((long)regs->orig_ax >= 0)
		restart_without_handler(regs);
	restore_saved_sigmask();
}

/* IRETQ would fault in ring 0 on what it cannot load; the program that wrote it gets the fault instead. */
static bool sigcontext_valid(const struct sigcontext *sc)
{
	return (sc->cs == __USER_CS || sc->cs == __USER32_CS) && sc->ss == __USER_DS && sc->ip < TASK_SIZE;
}

/* Flags that ring 3 may set, and no restart of the call that was interrupted. */
static void restore_sigcontext(struct pt_regs *regs, const struct sigcontext *sc)
{
	*regs = (struct pt_regs) {
		.r8 = sc->r8, .r9 = sc->r9, .r10 = sc->r10, .r11 = sc->r11,
		.r12 = sc->r12, .r13 = sc->r13, .r14 = sc->r14, .r15 = sc->r15,
		.di = sc->di, .si = sc->si, .bp = sc->bp, .bx = sc->bx,
		.dx = sc->dx, .ax = sc->ax, .cx = sc->cx, .sp = sc->sp, .ip = sc->ip,
		.cs = sc->cs, .ss = sc->ss, .orig_ax = -1UL,
		.flags = (regs->flags & ~(unsigned long)FIX_EFLAGS) | (sc->flags & FIX_EFLAGS),
	};
}

static bool restore_fpu(const struct fxregs_state __user *fpstate)
{
	struct fxregs_state fx;

	if (!fpstate) {
		fpu_flush_thread();
		return true;
	}
	return !copy_from_user(&fx, fpstate, sizeof(fx)) && fpu_restore(&fx);
}

/* The handler's RET took the frame's first word: the stack pointer is 8 above it. */
noinline long sys_rt_sigreturn(void)
{
	struct pt_regs *regs = current->thread.regs;
	const struct rt_sigframe __user *frame = (void __user *)(regs->sp - sizeof(long));
	struct ucontext uc;

	if (copy_from_user(&uc, &frame->uc, sizeof(uc)) || !sigcontext_valid(&uc.uc_mcontext) ||
	    !restore_fpu(uc.uc_mcontext.fpstate)) {
		force_sig(SIGSEGV);
		return 0;
	}
	set_current_blocked(&uc.uc_sigmask);
	restore_sigcontext(regs, &uc.uc_mcontext);
	restore_altstack(&uc.uc_stack);
	return regs->ax;
}

long sys_restart_syscall(void)
{
	struct restart_block *restart = &current->restart_block;

	return restart->fn ? restart->fn(restart) : -EINTR;
}
