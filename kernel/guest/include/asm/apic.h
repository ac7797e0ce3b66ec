#ifndef _ASM_APIC_H
#define _ASM_APIC_H

#include <asm/ptrace.h>

/* Find the local APIC and its timer's rate; without them there are ticks alone. */
void init_local_APIC(void);
bool apic_timer_present(void);

/* One interrupt on LOCAL_TIMER_VECTOR after so many ns, instead of the one asked for before; 0: none. */
void apic_timer_one_shot(u64 ns);

void asm_sysvec_apic_timer_interrupt(void);
void sysvec_apic_timer_interrupt(struct pt_regs *regs, unsigned long error_code);

#endif
