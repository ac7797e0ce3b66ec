/* From a vector to the driver that asked for it. */
#define pr_fmt(fmt) "irq: " fmt
#include <asm/hardirq.h>
#include <asm/traps.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/seq_file.h>
#include <linux/smp.h>

static struct irq_desc {
	irq_handler_t handler;
	const char *name;
	unsigned long count;
} irq_desc[NR_IRQS];

void common_interrupt(struct pt_regs *regs, unsigned long vector);

/* What the interrupt that is being served has interrupted; NULL outside of interrupts. */
static __percpu struct pt_regs *irq_regs;

__percpu irq_cpustat_t irq_stat;

struct pt_regs *get_irq_regs(void)
{
	return this_cpu(irq_regs);
}

/* Returns what an outer interrupt has interrupted. */
struct pt_regs *set_irq_regs(struct pt_regs *new_regs)
{
	struct pt_regs *old_regs = this_cpu(irq_regs);

	this_cpu(irq_regs) = new_regs;
	return old_regs;
}

void request_irq(int irq, irq_handler_t handler, const char *name)
{
	struct irq_desc *desc = &irq_desc[irq];

	if (desc->handler)
		panic("irq %d: %s wants it, %s has it", irq, name, desc->name);
	desc->handler = handler;
	desc->name = name;
	enable_8259A_irq(irq);
}

/* The line is free again before its handler runs. Linux before 5.8 had common_interrupt in assembly and this in C. */
static noinline void do_IRQ(struct pt_regs *regs, unsigned long vector)
{
	int irq = (int)vector - ISA_IRQ_VECTOR;

	if (irq < 0 || irq >= NR_IRQS) {
		pr_warn("unexpected vector %#lx at ip %lx\n", vector, regs->ip);
		return;
	}
	if (spurious_8259A_irq(irq))
		return;
	mask_and_ack_8259A(irq);
	irq_desc[irq].count++;
	if (irq_desc[irq].handler)
		irq_desc[irq].handler(irq);
	enable_8259A_irq(irq);
}

/* Called by asm_common_interrupt, interrupts off; what the handlers have put off runs in irq_exit. */
noinline void common_interrupt(struct pt_regs *regs, unsigned long vector)
{
	struct pt_regs *old_regs = set_irq_regs(regs);
	bool was_idle = irq_enter();

	do_IRQ(regs, vector);
	irq_exit(was_idle);
	set_irq_regs(old_regs);
}

/* All that drivers were called for. */
unsigned long nr_interrupts(void)
{
	unsigned long sum = 0;
	int irq;

	for (irq = 0; irq < NR_IRQS; irq++)
		sum += irq_desc[irq].count;
	return sum;
}

/* Interrupts of the local APICs, by their names there. */
static const struct {
	const char *name, *what;
	size_t offset;
} irq_stats[] = {
	{ "LOC", "Local timer interrupts", offsetof(irq_cpustat_t, apic_timer_irqs) },
	{ "TCK", "Ticks of the first processor", offsetof(irq_cpustat_t, irq_tick_count) },
	{ "RES", "Rescheduling interrupts", offsetof(irq_cpustat_t, irq_resched_count) },
	{ "TLB", "TLB shootdowns", offsetof(irq_cpustat_t, irq_tlb_count) },
};

static void show_irq(struct seq_file *m, int irq)
{
	int cpu;

	seq_printf(m, "%4d:", irq);
	for_each_online_cpu(cpu)
		seq_printf(m, " %10lu", cpu ? 0 : irq_desc[irq].count);
	seq_printf(m, "    XT-PIC  %s\n", irq_desc[irq].name);
}

/* The text of /proc/interrupts. Lines of devices lead to the first processor. */
int interrupts_show(struct seq_file *m)
{
	size_t i;
	int irq, cpu;

	seq_puts(m, "    ");
	for_each_online_cpu(cpu)
		seq_printf(m, "       CPU%d", cpu);
	seq_puts(m, "\n");
	for (irq = 0; irq < NR_IRQS; irq++)
		if (irq_desc[irq].handler)
			show_irq(m, irq);
	for (i = 0; i < ARRAY_SIZE(irq_stats); i++) {
		seq_printf(m, "%4s:", irq_stats[i].name);
		for_each_online_cpu(cpu)
			seq_printf(m, " %10lu", *(unsigned long *)((char *)per_cpu_ptr(&irq_stat, cpu) + irq_stats[i].offset));
		seq_printf(m, "   %s\n", irq_stats[i].what);
	}
	return 0;
}
