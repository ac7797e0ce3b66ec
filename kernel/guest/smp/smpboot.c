/*
 * Waking the other processors (SDM 3A 8.4; Linux: arch/x86/kernel/smpboot.c). Each is told by INIT and a start-up IPI
 * where to begin: in real mode, on a page below 1 MiB (trampoline.S). It ends as an idle task like the first one.
 */
#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/io.h>
#include <asm/irqflags.h>
#include <asm/la57.h>
#include <asm/tlbflush.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#define POST_PORT		0x80
#define STARTUP_TIMEOUT_NS	(10 * NSEC_PER_SEC)

/* trampoline.S: what is copied, and what it loads. */
extern const char trampoline_start[], trampoline_end[];
extern unsigned long trampoline_cr3, trampoline_cr4;

/* head_64.S: what secondary_startup_64 loads, and calls. */
extern unsigned long initial_gs, initial_stack;
extern void (*initial_code)(void);
extern char __per_cpu_start[];

/* The first C function of another processor, on its idle task's stack, interrupts off. */
noinline void __init start_secondary(void)
{
	lock_kernel();
	cpu_init();
	load_current_idt();
	setup_local_APIC();
	__flush_tlb_all();
	cpumask_set_cpu(smp_processor_id(), &__cpu_active_mask);
	cpumask_set_cpu(smp_processor_id(), &__cpu_online_mask);
	cpu_idle();
}

/* Microseconds, about: a write to a port that nobody has takes one (Linux: io_delay). */
static void __init udelay(unsigned int us)
{
	while (us--)
		outb(0, POST_PORT);
}

/* INIT, and where to begin: the number of a page is all that a start-up IPI can say. */
static noinline void __init wakeup_secondary_cpu_via_init(unsigned int apicid, unsigned long start_eip)
{
	unsigned long flags = local_irq_save();

	native_apic_icr_write(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, apicid);
	udelay(10);
	native_apic_icr_write(APIC_INT_LEVELTRIG | APIC_DM_INIT, apicid);
	native_apic_icr_write(APIC_DM_STARTUP | start_eip >> PAGE_SHIFT, apicid);
	udelay(10);
	native_apic_icr_write(APIC_DM_STARTUP | start_eip >> PAGE_SHIFT, apicid);
	local_irq_restore(flags);
}

static noinline bool __init do_boot_cpu(int cpu, unsigned long start_eip)
{
	struct task_struct *idle = fork_idle(cpu);
	u64 start = local_clock();

	if (!idle)
		return false;
	init_idle(idle, cpu);
	initial_gs = (unsigned long)per_cpu_ptr(&__per_cpu_start, cpu);
	initial_stack = idle->thread.sp0;
	initial_code = start_secondary;
	wakeup_secondary_cpu_via_init(x86_cpu_to_apicid[cpu], start_eip);

	/* It goes on when it has the lock. */
	unlock_kernel();
	while (!cpu_online(cpu) && local_clock() - start < STARTUP_TIMEOUT_NS)
		cpu_relax();
	lock_kernel();
	return cpu_online(cpu);
}

/* Put the real-mode code where a start-up IPI can send a processor, as high as there is memory below 640 KiB. */
static unsigned long __init setup_real_mode(void)
{
	unsigned long page = memblock_last_page_below(0xa0000);

	if (!page)
		panic("smpboot: no memory below 640 KiB");
	memcpy(__va(page), trampoline_start, trampoline_end - trampoline_start);
	trampoline_cr3 = __pa(init_mm.pgd);
	trampoline_cr4 = X86_CR4_PAE | (read_cr4() & X86_CR4_LA57);
	return page;
}

/* Called by kernel_init: all processors that there are, one after the other. */
noinline void __init smp_init(void)
{
	unsigned long start_eip;
	int cpu;

	if (cpumask_weight(&__cpu_present_mask) == 1 || !apic_present())
		return;
	printk(KERN_INFO "smp: Bringing up secondary CPUs ...\n");
	start_eip = setup_real_mode();
	share_kernel_lock();
	map_identity(true);
	for_each_present_cpu(cpu)
		if (cpu && !do_boot_cpu(cpu, start_eip))
			printk(KERN_ERR "smpboot: CPU%d failed to come up\n", cpu);
	map_identity(false);
	flush_tlb_all();
	printk(KERN_INFO "smp: Brought up 1 node, %u CPU%s\n", num_online_cpus(), num_online_cpus() > 1 ? "s" : "");
}
