#ifndef _LINUX_INTERRUPT_H
#define _LINUX_INTERRUPT_H

#include <asm/ptrace.h>
#include <linux/types.h>

#define NR_IRQS 16

typedef void (*irq_handler_t)(int irq);

/* Called with interrupts off. */
struct seq_file;

unsigned long nr_interrupts(void);
int interrupts_show(struct seq_file *m);
void request_irq(int irq, irq_handler_t handler, const char *name);

struct pt_regs *get_irq_regs(void);
struct pt_regs *set_irq_regs(struct pt_regs *new_regs);

/* What a handler may put off until the interrupt's end, in the order they are served in. */
enum { HI_SOFTIRQ, TIMER_SOFTIRQ, TASKLET_SOFTIRQ, NR_SOFTIRQS };

/* A function to be called once, soon, with interrupts on. */
struct tasklet_struct {
	struct list_head entry;		/* empty while it is not scheduled */
	void (*callback)(struct tasklet_struct *t);
};

/* softirq.c */
void softirq_init(void);
void open_softirq(int nr, void (*action)(void));
void raise_softirq(int nr);
void __do_softirq(void);
void spawn_ksoftirqd(void);
void tasklet_setup(struct tasklet_struct *t, void (*callback)(struct tasklet_struct *t));
void tasklet_schedule(struct tasklet_struct *t);
int softirqs_show(struct seq_file *m);

/* i8259.c */
void init_8259A(void);
void enable_8259A_irq(int irq);
void mask_and_ack_8259A(int irq);
bool spurious_8259A_irq(int irq);

/* i8254.c */
void setup_pit_timer(void);

#endif
