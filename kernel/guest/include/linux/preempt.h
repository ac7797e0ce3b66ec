#ifndef _LINUX_PREEMPT_H
#define _LINUX_PREEMPT_H

#include <asm/percpu.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * In what context the processor runs kernel code, as counters in one word (include/linux/preempt.h): the task's own,
 * softirqs being served, an interrupt, an NMI. Whoever is in any of them must not sleep.
 */
enum {
	PREEMPT_OFFSET = 1 << 0,
	SOFTIRQ_OFFSET = 1 << 8,		/* a softirq is being served */
	HARDIRQ_OFFSET = 1 << 16,
	NMI_OFFSET = 1 << 20,
	SOFTIRQ_MASK = 0xff << 8,
	HARDIRQ_MASK = 0xf << 16,
	NMI_MASK = 0xf << 20,
};

/* The same as one word for whoever looks from outside: print current_context. */
enum execution_context { PROCESS_CONTEXT, SOFTIRQ_CONTEXT, HARDIRQ_CONTEXT, NMI_CONTEXT };

extern int __preempt_count;
extern enum execution_context current_context;

#define preempt_count()		READ_ONCE(this_cpu(__preempt_count))
#define in_nmi()		(preempt_count() & NMI_MASK)
#define in_hardirq()		(preempt_count() & HARDIRQ_MASK)
#define in_serving_softirq()	(preempt_count() & SOFTIRQ_OFFSET)
#define in_softirq()		(preempt_count() & SOFTIRQ_MASK)
#define in_interrupt()		(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_MASK))
#define in_atomic()		(preempt_count() != 0)
#define in_task()		(!(in_nmi() || in_hardirq() || in_serving_softirq()))

void preempt_count_add(int val);
void preempt_count_sub(int val);

/* softirq.c */
bool irq_enter(void);
void irq_exit(bool was_idle);
void nmi_enter(void);
void nmi_exit(void);

#endif
