/* The first function of C, on init_task's stack (Linux: arch/x86/kernel/head64.c). */
#include <asm/bootparam.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>
#include <linux/init.h>
#include <linux/pvh.h>

struct boot_params boot_params;

/* The loader's page lies in memory that will be used. */
static void __init copy_bootdata(const struct boot_params *real_mode_data)
{
	boot_params = *real_mode_data;
}

/* Nothing runs below 16 MiB any more: drop the identity map. */
static void __init reset_early_page_tables(void)
{
	init_top_pgt[0] = 0;
	flush_tlb_local();
}

/* Called by secondary_startup_64, interrupts off; without real_mode_data the loader spoke PVH. */
void __init __noreturn x86_64_start_kernel(unsigned long real_mode_data)
{
	reset_early_page_tables();
	if (real_mode_data)
		copy_bootdata(__va(real_mode_data));
	else
		xen_prepare_pvh();
	set_boot_mark(&boot_params, BOOT_MARK_KERNEL);
	start_kernel();
}
