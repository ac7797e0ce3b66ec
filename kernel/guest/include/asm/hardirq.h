#ifndef _ASM_HARDIRQ_H
#define _ASM_HARDIRQ_H

#include <asm/percpu.h>

/* A processor's interrupts that no device sends, for /proc/interrupts. */
typedef struct {
	unsigned long apic_timer_irqs;
	unsigned long irq_tick_count;
	unsigned long irq_resched_count;
	unsigned long irq_tlb_count;
} irq_cpustat_t;

extern irq_cpustat_t irq_stat;

#define inc_irq_stat(member) (this_cpu_ptr(&irq_stat)->member++)

#endif
