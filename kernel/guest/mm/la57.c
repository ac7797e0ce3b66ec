/*
 * Five levels of page tables, where the processor has them and the command line says la57: 57 bits of address in place of
 * 48. Linux takes them wherever they are, unless told no5lvl, and gives the kernel other addresses then; here the kernel
 * stays where it is: its four levels become what the last entry of the new top table points to. Programs stay below
 * TASK_SIZE, as Linux's do that do not ask for more.
 */
#include <asm/cpufeature.h>
#include <asm/la57.h>
#include <asm/processor.h>
#include <linux/init.h>
#include <linux/mm.h>

bool __pgtable_l5_enabled;

/* The top table of five levels; below 4 GiB, since CR3 is loaded in 32-bit mode. */
static pgd_t level5_pgt[PTRS_PER_TABLE] __page_aligned_bss;

static bool la57_wanted;

static int __init la57_setup(char *str)
{
	la57_wanted = true;
	return 1;
}
__setup("la57", la57_setup);

/* The boot's identity map of the kernel, below both top tables, for code that changes how addresses are translated. */
void __init map_identity(bool on)
{
	init_top_pgt[0] = on ? __pa(level3_ident_pgt) | _KERNPG_TABLE : 0;
	level5_pgt[0] = on ? __pa(init_top_pgt) | _KERNPG_TABLE : 0;
}

/*
 * Called by start_kernel before there are tables but those of the boot. Page-table isolation is made for four levels
 * here, and comes first. CR4.LA57 cannot change while paging is on, and the code that turns it off must be mapped where
 * it lies: once more the boot's identity map, below the old top table and the new.
 */
void __init la57_init(void)
{
	u64 p4d = __pa(init_top_pgt) | _KERNPG_TABLE;

	if (!la57_wanted)
		return;
	if (!boot_cpu_has(X86_FEATURE_LA57) || boot_cpu_has(X86_FEATURE_PTI)) {
		printk(KERN_INFO "la57: %s: four levels of page tables\n",
		       boot_cpu_has(X86_FEATURE_PTI) ? "not with pti=on" : "the processor has no fifth");
		return;
	}
	level5_pgt[PTRS_PER_TABLE - 1] = p4d;
	map_identity(true);
	la57_enable(__pa(level5_pgt));
	map_identity(false);
	write_cr3(__pa(level5_pgt));
	__pgtable_l5_enabled = true;
	init_mm.pgd = level5_pgt;
	printk(KERN_INFO "la57: five levels of page tables\n");
}
