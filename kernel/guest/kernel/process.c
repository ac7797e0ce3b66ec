/* What of the processor belongs to a task, and how one task's part is exchanged for another's. */
#include <asm/irqflags.h>
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <asm/traps.h>
#include <asm/uaccess.h>
#include <linux/sched.h>
#include <linux/sched/clone.h>
#include <linux/string.h>
#include <linux/syscalls.h>

/* What __switch_to_asm pops. */
struct inactive_task_frame {
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bx;
	unsigned long bp;
	unsigned long ret_addr;
};

void ret_from_fork(void);

/* Called by __switch_to_asm on next's stack, interrupts off; returns whom it switched from. */
noinline struct task_struct *__switch_to(struct task_struct *prev_p, struct task_struct *next_p)
{
	switch_fpu(prev_p, next_p);
	if (!(prev_p->flags & PF_KTHREAD))
		save_segments(&prev_p->thread);
	if (!(next_p->flags & PF_KTHREAD)) {
		load_TLS(&next_p->thread);
		load_segments(&next_p->thread);
		tss_update_io_bitmap(&next_p->thread);
	}
	this_cpu(current_task) = next_p;
	update_task_stack(next_p);
	switch_ring1_stack(&prev_p->thread, &next_p->thread);
	return prev_p;
}

/* The registers with which a user's child returns from its parent's system call, as clone's arguments say. */
static void copy_user_regs(struct task_struct *p, struct pt_regs *childregs, const struct kernel_clone_args *args)
{
	*childregs = *current->thread.regs;
	childregs->ax = 0;
	if (args->stack)
		childregs->sp = args->stack;
	save_segments(&p->thread);
	if (args->flags & CLONE_SETTLS) {
		p->thread.fsindex = 0;
		p->thread.fsbase = args->tls;
	}
	fpu_copy(&p->thread);
}

/* Give a new task a stack that __switch_to_asm can switch to: with a user's registers, or a function to call. */
void copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	struct pt_regs *childregs;
	struct inactive_task_frame *frame;

	p->thread.sp0 = (unsigned long)p->stack + THREAD_SIZE;
	childregs = task_pt_regs(p);
	frame = (struct inactive_task_frame *)childregs - 1;
	frame->ret_addr = (unsigned long)ret_from_fork;
	frame->bx = (unsigned long)args->fn;
	frame->r12 = (unsigned long)args->fn_arg;
	p->thread.sp = (unsigned long)frame;
	p->thread.status = 0;
	p->thread.regs = childregs;
	if (!args->fn) {
		copy_user_regs(p, childregs, args);
		return;
	}
	free_io_bitmap(&p->thread);
	p->thread.addr_limit = KERNEL_DS;
	p->thread.fsbase = p->thread.gsbase = 0;
}

/* A new program starts with fresh registers, whatever the task was before. */
void flush_thread(void)
{
	current->flags &= ~PF_KTHREAD;
	flush_segments(&current->thread, 0);
	fpu_flush_thread();
}

/* The registers that IRETQ will load: this is where a task becomes a user's. */
static noinline void start_thread_common(struct pt_regs *regs, unsigned long new_ip, unsigned long new_sp,
					 unsigned int _cs, unsigned int _ss)
{
	regs->ip = new_ip;
	regs->sp = new_sp;
	regs->cs = _cs;
	regs->ss = _ss;
	regs->flags = X86_EFLAGS_IF;
	force_iret();
}

/* Called by a binary format when the new address space stands. */
noinline void start_thread(struct pt_regs *regs, unsigned long new_ip, unsigned long new_sp)
{
	start_thread_common(regs, new_ip, new_sp, __USER_CS, __USER_DS);
}

/* The same for a 32-bit program: 0x23 is a code segment without the L bit, so the processor obeys 32-bit code. */
noinline void compat_start_thread(struct pt_regs *regs, unsigned long new_ip, unsigned long new_sp)
{
	flush_segments(&current->thread, __USER_DS);
	start_thread_common(regs, new_ip, new_sp, __USER32_CS, __USER_DS);
}

static long set_base(unsigned short *index, unsigned long *base, unsigned long value)
{
	if (value >= TASK_SIZE)
		return -EPERM;
	save_segments(&current->thread);
	*index = 0;
	*base = value;
	load_segments(&current->thread);
	return 0;
}

static long get_base(unsigned long base, unsigned long arg2)
{
	return copy_to_user((void __user *)arg2, &base, sizeof(base)) ? -EFAULT : 0;
}

long sys_arch_prctl(int option, unsigned long arg2)
{
	struct thread_struct *thread = &current->thread;

	switch (option) {
	case ARCH_SET_FS:
		return set_base(&thread->fsindex, &thread->fsbase, arg2);
	case ARCH_SET_GS:
		return set_base(&thread->gsindex, &thread->gsbase, arg2);
	case ARCH_GET_FS:
		return get_base(thread->fsbase, arg2);
	case ARCH_GET_GS:
		return get_base(thread->gsbase, arg2);
	default:
		return -EINVAL;
	}
}
