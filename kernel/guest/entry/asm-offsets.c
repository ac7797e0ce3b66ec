/* Compiled to assembly and read by the build: each "->NAME value" line becomes a #define in asm-offsets.h. */
#include <linux/sched.h>

#define DEFINE(name, value) asm volatile("\n.ascii \"->" #name " %c0\"" : : "i"(value))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))

void asm_offsets(void);

void asm_offsets(void)
{
	OFFSET(R15, struct pt_regs, r15);
	OFFSET(R14, struct pt_regs, r14);
	OFFSET(R13, struct pt_regs, r13);
	OFFSET(R12, struct pt_regs, r12);
	OFFSET(RBP, struct pt_regs, bp);
	OFFSET(RBX, struct pt_regs, bx);
	OFFSET(R11, struct pt_regs, r11);
	OFFSET(R10, struct pt_regs, r10);
	OFFSET(R9, struct pt_regs, r9);
	OFFSET(R8, struct pt_regs, r8);
	OFFSET(RAX, struct pt_regs, ax);
	OFFSET(RCX, struct pt_regs, cx);
	OFFSET(RDX, struct pt_regs, dx);
	OFFSET(RSI, struct pt_regs, si);
	OFFSET(RDI, struct pt_regs, di);
	OFFSET(ORIG_RAX, struct pt_regs, orig_ax);
	OFFSET(RIP, struct pt_regs, ip);
	OFFSET(CS, struct pt_regs, cs);
	OFFSET(EFLAGS, struct pt_regs, flags);
	OFFSET(RSP, struct pt_regs, sp);
	OFFSET(SS, struct pt_regs, ss);
	DEFINE(SIZEOF_PTREGS, sizeof(struct pt_regs));
	DEFINE(PF_KTHREAD, PF_KTHREAD);
	OFFSET(TASK_flags, struct task_struct, flags);
	OFFSET(TASK_threadsp, struct task_struct, thread.sp);
	OFFSET(TASK_threadregs, struct task_struct, thread.regs);
	OFFSET(TASK_threadstatus, struct task_struct, thread.status);
}
