/*
 * What the processor can do, and what of it is used: global pages, and that ring 0 leaves a user's pages alone unless
 * it means them (Linux: arch/x86/kernel/cpu/common.c).
 */
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <linux/init.h>
#include <linux/string.h>

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

/* Linux's names of some features. */
static const struct {
	const char *name;
	unsigned int feature;
} x86_cap_flags[] __initdata = {
	{ "pge", X86_FEATURE_PGE }, { "pdpe1gb", X86_FEATURE_GBPAGES }, { "smep", X86_FEATURE_SMEP },
	{ "smap", X86_FEATURE_SMAP }, { "la57", X86_FEATURE_LA57 },
};

/* Names with commas between them. */
static int __init parse_set_clear_cpuid(const char *str, void (*change)(unsigned int feature))
{
	size_t i, n;

	for (; *str; str += n + (str[n] == ',')) {
		for (n = 0; str[n] && str[n] != ','; n++)
			;
		for (i = 0; i < ARRAY_SIZE(x86_cap_flags); i++)
			if (!strncmp(str, x86_cap_flags[i].name, n) && !x86_cap_flags[i].name[n])
				change(x86_cap_flags[i].feature);
	}
	return 1;
}

/* setcpuid=: the processor has what CPUID does not tell of. This machine's has five levels of page tables. */
static int __init setup_setcpuid(char *str)
{
	return parse_set_clear_cpuid(str, setup_force_cpu_cap);
}
__setup("setcpuid=", setup_setcpuid);

static int __init setup_clearcpuid(char *str)
{
	return parse_set_clear_cpuid(str, setup_clear_cpu_cap);
}
__setup("clearcpuid=", setup_clearcpuid);

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
