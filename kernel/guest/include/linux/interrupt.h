#ifndef _LINUX_INTERRUPT_H
#define _LINUX_INTERRUPT_H

#include <asm/ptrace.h>

#define NR_IRQS 16

typedef void (*irq_handler_t)(int irq);

/* Called with interrupts off. */
struct seq_file;

unsigned long nr_interrupts(void);
int interrupts_show(struct seq_file *m);
void request_irq(int irq, irq_handler_t handler, const char *name);

struct pt_regs *get_irq_regs(void);

/* i8259.c */
void init_8259A(void);
void enable_8259A_irq(int irq);
void mask_and_ack_8259A(int irq);
bool spurious_8259A_irq(int irq);

/* i8254.c */
void setup_pit_timer(void);

#endif
