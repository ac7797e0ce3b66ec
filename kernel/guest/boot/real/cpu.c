/* Is it a processor for this kernel? (Linux: arch/x86/boot/cpu.c, cpucheck.c.) */
#include "boot.h"

#define EXTENDED_FEATURES	0x80000001
#define LONG_MODE		(1U << 29)
#define NO_EXECUTE		(1U << 20)

static u32 cpuid_edx(u32 leaf)
{
	u32 eax, edx;

	asm volatile("cpuid" : "=a"(eax), "=d"(edx) : "0"(leaf) : "ebx", "ecx");
	return edx;
}

void validate_cpu(void)
{
	u32 features = cpuid_edx(EXTENDED_FEATURES);

	if ((features & LONG_MODE) && (features & NO_EXECUTE))
		return;
	puts("This kernel requires an x86-64 CPU with no-execute pages.\n");
	die();
}
