#ifndef _ASM_CPUFEATURE_H
#define _ASM_CPUFEATURE_H

/*
 * What the processor can do: a bit each, in words of 32 as CPUID gives them, and one word of the kernel's own
 * (Linux: asm/cpufeatures.h, whose numbers these are). Plain numbers, since assembly reads them too.
 */
#define X86_FEATURE_PGE		(0 * 32 + 13)	/* CPUID 1 EDX: global pages */
#define X86_FEATURE_GBPAGES	(1 * 32 + 26)	/* CPUID 0x80000001 EDX: pages of 1 GiB */
#define X86_FEATURE_PTI		(7 * 32 + 11)	/* Linux's word: ring 3 has tables without the kernel */
#define X86_FEATURE_SMEP	(9 * 32 + 7)	/* CPUID 7 EBX: ring 0 does not execute a user's page */
#define X86_FEATURE_SMAP	(9 * 32 + 20)	/* CPUID 7 EBX: nor touch it, unless RFLAGS.AC says so */
#define X86_FEATURE_LA57	(16 * 32 + 16)	/* CPUID 7 ECX: five levels of page tables */

#define NCAPINTS 17

#ifndef __ASSEMBLY__
#include <linux/types.h>

struct cpuinfo_x86 {
	u32 x86_capability[NCAPINTS];
};

extern struct cpuinfo_x86 boot_cpu_data;

static inline bool boot_cpu_has(unsigned int feature)
{
	return boot_cpu_data.x86_capability[feature / 32] >> feature % 32 & 1;
}

void setup_force_cpu_cap(unsigned int feature);
void setup_clear_cpu_cap(unsigned int feature);
void early_cpu_init(void);
void identify_cpu(void);
#endif

#endif
