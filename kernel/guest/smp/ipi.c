/*
 * Interrupts that one processor sends another (Linux: arch/x86/kernel/smp.c): to look again what it should run, that a
 * tick has come, to forget translations, to stop. Senders have the kernel's lock, so there is one at a time.
 */
#include <asm/apic.h>
#include <asm/hardirq.h>
#include <asm/irqflags.h>
#include <asm/ldt.h>
#include <asm/tlbflush.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

static void send_IPI(int cpu, u32 vector)
{
	unsigned long flags = local_irq_save();

	native_apic_icr_write(vector, x86_cpu_to_apicid[cpu]);
	local_irq_restore(flags);
}

static void send_IPI_mask(const struct cpumask *mask, u32 vector)
{
	int cpu;

	for_each_cpu(cpu, mask)
		send_IPI(cpu, vector);
}

noinline void smp_send_reschedule(int cpu)
{
	send_IPI(cpu, RESCHEDULE_VECTOR);
}

/* Nothing to do but to come here: what is due is done on the way out, or by the idle task. */
noinline void sysvec_reschedule(struct pt_regs *regs, unsigned long error_code)
{
	bool was_idle = irq_enter();

	ack_APIC_irq();
	inc_irq_stat(irq_resched_count);
	scheduler_ipi();
	irq_exit(was_idle);
}

/* The timer's line leads to the first processor alone; the others are told, unless they sleep. */
void smp_send_tick(void)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (cpu != smp_processor_id() && !idle_cpu(cpu))
			send_IPI(cpu, TICK_VECTOR);
}

noinline void sysvec_tick(struct pt_regs *regs, unsigned long error_code)
{
	struct pt_regs *old_regs = set_irq_regs(regs);
	bool was_idle = irq_enter();

	ack_APIC_irq();
	inc_irq_stat(irq_tick_count);
	account_process_tick(current, user_mode(regs));
	scheduler_tick();
	irq_exit(was_idle);
	set_irq_regs(old_regs);
}

/* What is to be forgotten: [start, end), by those whose bit is set; each clears its own. */
static struct {
	struct cpumask cpus;
	unsigned long start, end;
} flush;

/* The processor's part of a flush that another one waits for. Without the lock. */
static void do_flush_tlb(int cpu)
{
	if (!cpumask_test_cpu(cpu, &flush.cpus))
		return;
	leave_lazy_mm();
	local_flush_tlb_range(flush.start, flush.end);
	if (current->active_mm->ldt)
		load_mm_ldt(current->active_mm);
	cpumask_clear_cpu(cpu, &flush.cpus);
}

noinline void sysvec_invalidate_tlb(void)
{
	ack_APIC_irq();
	inc_irq_stat(irq_tlb_count);
	do_flush_tlb(smp_processor_id());
}

/* The processors of mask forget what they know of [start, end); returns when they have. */
noinline void smp_flush_tlb(const struct cpumask *mask, unsigned long start, unsigned long end)
{
	BUG_ON(!kernel_locked());
	flush.start = start;
	flush.end = end;
	WRITE_ONCE(flush.cpus.bits[0], mask->bits[0]);
	send_IPI_mask(mask, INVALIDATE_TLB_VECTOR);
	while (READ_ONCE(flush.cpus.bits[0]))
		cpu_relax();
}

static bool stopping;

noinline void sysvec_reboot(void)
{
	halt_forever();
}

/* All others are to stop where they are: the end of the machine, or of the kernel. */
noinline void smp_send_stop(void)
{
	struct cpumask others = { { __cpu_online_mask.bits[0] & ~(1UL << smp_processor_id()) } };

	if (!others.bits[0])
		return;
	WRITE_ONCE(stopping, true);
	send_IPI_mask(&others, REBOOT_VECTOR);
}

/* Interrupts are off while a processor waits for the lock: it looks for itself what the others want. */
void smp_poll(void)
{
	if (READ_ONCE(stopping))
		halt_forever();
	do_flush_tlb(smp_processor_id());
}

/* An interrupt that is none: it needs no answer (SDM 3A 10.9). */
noinline void sysvec_spurious(void)
{
}
