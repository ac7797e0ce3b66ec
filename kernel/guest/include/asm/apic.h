#ifndef _ASM_APIC_H
#define _ASM_APIC_H

#include <asm/ptrace.h>

/* Find the local APIC and its timer's rate; without them there are ticks alone. */
void init_local_APIC(void);
bool apic_timer_present(void);

/* One interrupt on LOCAL_TIMER_VECTOR after so many ns, instead of the one asked for before; 0: none. */
void apic_timer_one_shot(u64 ns);

/* On a processor's own APIC, and what it can do. */
void setup_local_APIC(void);
bool apic_present(void);
void ack_APIC_irq(void);

/* An interrupt command (SDM 3A 10.6.1). */
enum { APIC_DM_INIT = 5 << 8, APIC_DM_STARTUP = 6 << 8, APIC_INT_ASSERT = 1 << 14, APIC_INT_LEVELTRIG = 1 << 15 };

void native_apic_icr_write(u32 icr_low, unsigned int apicid);

/* Entries of entry_64.S, and what they call. */
void asm_sysvec_apic_timer_interrupt(void);
void asm_sysvec_tick(void);
void asm_sysvec_reschedule(void);
void asm_sysvec_invalidate_tlb(void);
void asm_sysvec_reboot(void);
void asm_sysvec_spurious(void);
void sysvec_tick(struct pt_regs *regs, unsigned long error_code);
void sysvec_reschedule(struct pt_regs *regs, unsigned long error_code);
void sysvec_invalidate_tlb(void);
void sysvec_reboot(void);
void sysvec_spurious(void);
void sysvec_apic_timer_interrupt(struct pt_regs *regs, unsigned long error_code);

#endif
