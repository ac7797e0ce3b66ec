/*
 * What the processor can do, and what of it is used: global pages, and that ring 0 leaves a user's pages alone unless
 * it means them (Linux: arch/x86/kernel/cpu/common.c).
 */
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <linux/init.h>

struct cpuinfo_x86 boot_cpu_data;

void setup_force_cpu_cap(unsigned int feature)
{
	boot_cpu_data.x86_capability[feature / 32] |= 1U << feature % 32;
}

void setup_clear_cpu_cap(unsigned int feature)
{
	boot_cpu_data.x86_capability[feature / 32] &= ~(1U << feature % 32);
}

/* Called before the command line is read, which may take features away. */
void __init early_cpu_init(void)
{
	u32 *capability = boot_cpu_data.x86_capability, max_leaf, ignored;

	cpuid(0, &max_leaf, &ignored, &ignored, &ignored);
	cpuid(1, &ignored, &ignored, &capability[4], &capability[0]);
	if (max_leaf >= 7)
		cpuid(7, &ignored, &capability[9], &capability[16], &ignored);
	cpuid(0x80000001, &ignored, &ignored, &ignored, &capability[1]);
}

static int __init nosmep_setup(char *str)
{
	setup_clear_cpu_cap(X86_FEATURE_SMEP);
	return 1;
}
__setup("nosmep", nosmep_setup);

static int __init nosmap_setup(char *str)
{
	setup_clear_cpu_cap(X86_FEATURE_SMAP);
	return 1;
}
__setup("nosmap", nosmap_setup);

/* Bits of CR4, each for a feature that CPUID tells of. A kernel's page that is global outlives a write to CR3. */
static const struct {
	unsigned int feature;
	unsigned long cr4;
} cr4_features[] = {
	{ X86_FEATURE_PGE, X86_CR4_PGE }, { X86_FEATURE_SMEP, X86_CR4_SMEP }, { X86_FEATURE_SMAP, X86_CR4_SMAP },
};

/* Called by cpu_init on each processor. */
void identify_cpu(void)
{
	unsigned long cr4 = read_cr4();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (boot_cpu_has(cr4_features[i].feature))
			cr4 |= cr4_features[i].cr4;
	write_cr4(cr4);
}
