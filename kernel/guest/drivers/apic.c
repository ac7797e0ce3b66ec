/*
 * The processor's local APIC (SDM 3A chapter 10): its timer, and what processors send each other. The 8254 ticks, the
 * timer ends a turn between two ticks. The 8259 pair's interrupts pass through the first processor's, on LINT0, as
 * firmware leaves it.
 */
#include <asm/apic.h>
#include <asm/hardirq.h>
#include <asm/processor.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>

enum {
	APIC_EOI = 0xb0,
	APIC_SPIV = 0xf0,
	APIC_SPIV_APIC_ENABLED = 1 << 8,
	APIC_ICR = 0x300,
	APIC_ICR_BUSY = 1 << 12,
	APIC_ICR2 = 0x310,
	APIC_LVTT = 0x320,
	APIC_TMICT = 0x380,
	APIC_TDCR = 0x3e0,
	APIC_TDR_DIV_1 = 0xb,
};

#define APIC_DEST_SHIFT		24

#define APIC_DEFAULT_PHYS_BASE	0xfee00000UL
#define CPUID_FEAT_EDX_APIC	(1 << 9)
#define CPUID_TSC_LEAF		0x15

/* Are its registers mapped? */
static bool apic_mapped;

/* Counts a second of the timer; 0 if there is none. */
static u64 lapic_timer_hz;

static void apic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(FIX_APIC_BASE + reg) = value;
}

static u32 apic_read(u32 reg)
{
	return *(volatile u32 *)(FIX_APIC_BASE + reg);
}

static bool __init has_apic(void)
{
	u32 eax, ebx, ecx, edx;

	cpuid(1, &eax, &ebx, &ecx, &edx);
	return edx & CPUID_FEAT_EDX_APIC;
}

/* The timer counts the crystal's cycles, which the processor may tell (SDM 3A 10.5.4); we calibrate nothing. */
static u64 __init crystal_hz(void)
{
	u32 max_leaf, eax, ebx, ecx, edx;

	cpuid(0, &max_leaf, &ebx, &ecx, &edx);
	if (max_leaf < CPUID_TSC_LEAF)
		return 0;
	cpuid(CPUID_TSC_LEAF, &eax, &ebx, &ecx, &edx);
	return ecx;
}

static void __init map_apic(void)
{
	pte_t *pte = alloc_pte(init_mm.pgd, FIX_APIC_BASE);

	if (!pte)
		panic("no memory to map the local APIC");
	*pte = APIC_DEFAULT_PHYS_BASE | PAGE_KERNEL_NOCACHE;
}

/* Called on each processor when the registers are mapped. */
void __init setup_local_APIC(void)
{
	apic_write(APIC_SPIV, APIC_SPIV_APIC_ENABLED | SPURIOUS_APIC_VECTOR);
	if (!lapic_timer_hz)
		return;
	apic_write(APIC_TDCR, APIC_TDR_DIV_1);
	apic_write(APIC_LVTT, LOCAL_TIMER_VECTOR);
}

/* Called once by start_kernel. */
void __init init_local_APIC(void)
{
	if (!has_apic())
		return;
	map_apic();
	apic_mapped = true;
	lapic_timer_hz = crystal_hz();
	setup_local_APIC();
	if (lapic_timer_hz)
		printk(KERN_INFO "APIC: timer at %lu.%03lu MHz\n", lapic_timer_hz / 1000000,
		       lapic_timer_hz / 1000 % 1000);
}

bool apic_present(void)
{
	return apic_mapped;
}

void ack_APIC_irq(void)
{
	apic_write(APIC_EOI, 0);
}

/* An interrupt to one other processor: icr_low is a vector, or one of the modes of asm/apic.h. Interrupts off. */
noinline void native_apic_icr_write(u32 icr_low, unsigned int apicid)
{
	while (apic_read(APIC_ICR) & APIC_ICR_BUSY)
		cpu_relax();
	apic_write(APIC_ICR2, apicid << APIC_DEST_SHIFT);
	apic_write(APIC_ICR, icr_low);
}

bool apic_timer_present(void)
{
	return lapic_timer_hz;
}

void apic_timer_one_shot(u64 ns)
{
	u64 counts = (ns * (lapic_timer_hz / 1000) + 999999) / 1000000;

	apic_write(APIC_TMICT, min(counts, (u64)~0U));
}

/* Called by asm_sysvec_apic_timer_interrupt, interrupts off. */
noinline void sysvec_apic_timer_interrupt(struct pt_regs *regs, unsigned long error_code)
{
	bool was_idle = irq_enter();

	ack_APIC_irq();
	inc_irq_stat(apic_timer_irqs);
	hrtick();
	irq_exit(was_idle);
}
