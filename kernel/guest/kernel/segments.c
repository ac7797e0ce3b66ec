/*
 * The data-segment registers of a task. 64-bit code does without DS and ES, and with bases alone for FS and GS; a
 * 32-bit program, or one that plays with its LDT, has selectors there that must be its own after a switch (Linux:
 * arch/x86/kernel/process_64.c).
 */
#include <asm/irqflags.h>
#include <asm/ldt.h>
#include <asm/processor.h>
#include <asm/uaccess.h>
#include <linux/sched.h>
#include <linux/string.h>

/* A selector that names nothing any more, since its LDT entry is gone, becomes the null selector. */
#define DEFINE_SEGMENT(seg)								\
	static unsigned short savesegment_##seg(void)					\
	{										\
		unsigned short value;							\
											\
		asm volatile("movw %%" #seg ", %0" : "=rm"(value));			\
		return value;								\
	}										\
											\
	static void loadsegment_##seg(unsigned int value)				\
	{										\
		asm volatile("1: movl %0, %%" #seg "\n"					\
			     "jmp 3f\n"							\
			     "2: xorl %0, %0\n"						\
			     "jmp 1b\n"							\
			     "3:\n"							\
			     _ASM_EXTABLE(1b, 2b)					\
			     : "+r"(value) : : "memory");				\
	}

DEFINE_SEGMENT(ds)
DEFINE_SEGMENT(es)
DEFINE_SEGMENT(fs)
DEFINE_SEGMENT(gs)

/*
 * GS is the kernel's own in here: loading a selector would load its base too. So the base that came with it goes to
 * where swapgs will find it; no interrupt may come before the kernel's is back. (Linux does swapgs around the load, and its entry code knows that place.)
 */
static void load_gs_index(unsigned int selector)
{
	unsigned long flags = local_irq_save();
	u64 kernel_base = rdmsr(MSR_GS_BASE);

	loadsegment_gs(selector);
	wrmsr(MSR_KERNEL_GS_BASE, rdmsr(MSR_GS_BASE));
	wrmsr(MSR_GS_BASE, kernel_base);
	local_irq_restore(flags);
}

void save_segments(struct thread_struct *thread)
{
	thread->ds = savesegment_ds();
	thread->es = savesegment_es();
	thread->fsindex = savesegment_fs();
	thread->gsindex = savesegment_gs();
}

/* Interrupts off. A null selector in FS or GS means that the base was set by arch_prctl. */
void load_segments(const struct thread_struct *thread)
{
	loadsegment_ds(thread->ds);
	loadsegment_es(thread->es);
	loadsegment_fs(thread->fsindex);
	if (!thread->fsindex)
		wrmsr(MSR_FS_BASE, thread->fsbase);
	load_gs_index(thread->gsindex);
	if (!thread->gsindex)
		wrmsr(MSR_KERNEL_GS_BASE, thread->gsbase);
}

/* execve: nothing of the old program's segments is left. data: 0, or what a 32-bit program has in DS and ES. */
void flush_segments(struct thread_struct *thread, unsigned short data)
{
	thread->ds = thread->es = data;
	thread->fsindex = thread->gsindex = 0;
	thread->fsbase = thread->gsbase = 0;
	memset(thread->tls_array, 0, sizeof(thread->tls_array));
	load_TLS(thread);
	load_segments(thread);
}
