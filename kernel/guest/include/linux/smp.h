#ifndef _LINUX_SMP_H
#define _LINUX_SMP_H

#include <asm/percpu.h>
#include <linux/cpumask.h>

struct pt_regs;
struct task_struct;

/* mpparse.c: the processors' numbers in their local APICs. */
extern u8 x86_cpu_to_apicid[NR_CPUS];
void find_smp_config(void);

/* smpboot.c */
void smp_init(void);
void start_secondary(void) __noreturn;

/* ipi.c: interrupts from one processor to another. */
void smp_send_reschedule(int cpu);
void smp_send_tick(void);
void smp_send_stop(void);
void smp_flush_tlb(const struct cpumask *mask, unsigned long start, unsigned long end);
void smp_poll(void);

/* kernel_lock.c: the Big Kernel Lock. */
void share_kernel_lock(void);
bool lock_kernel(void);
void unlock_kernel(void);
void relax_kernel_lock(void);
bool kernel_locked(void);

#endif
