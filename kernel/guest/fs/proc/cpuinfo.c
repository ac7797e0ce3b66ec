/* /proc/cpuinfo: what CPUID tells, in words (Linux: arch/x86/kernel/cpu/proc.c; SDM 2A CPUID). */
#include <asm/processor.h>
#include <linux/smp.h>
#include "internal.h"

/* Linux's names of leaf 1's feature bits; NULL: it has none for the bit. */
static const char *const edx_flags[32] = {
	"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep", "mtrr", "pge", "mca", "cmov",
	"pat", "pse36", "pn", "clflush", NULL, "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", NULL, "pbe",
};

static const char *const ecx_flags[32] = {
	"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg", "fma",
	"cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt",
	"tsc_deadline_timer", "aes", "xsave", NULL, "avx", "f16c", "rdrand", "hypervisor",
};

static void show_flags(struct seq_file *m, u32 bits, const char *const names[32])
{
	int i;

	for (i = 0; i < 32; i++)
		if (bits & 1U << i && names[i])
			seq_printf(m, " %s", names[i]);
}

static void show_vendor(struct seq_file *m)
{
	u32 vendor[4] = { 0 }, max_leaf;

	cpuid(0, &max_leaf, &vendor[0], &vendor[2], &vendor[1]);
	seq_printf(m, "vendor_id\t: %s\n", (const char *)vendor);
}

static void show_model_name(struct seq_file *m)
{
	u32 name[13] = { 0 };
	u32 leaf;

	for (leaf = 0; leaf < 3; leaf++)
		cpuid(0x80000002 + leaf, &name[4 * leaf], &name[4 * leaf + 1], &name[4 * leaf + 2], &name[4 * leaf + 3]);
	seq_printf(m, "model name\t: %s\n", (const char *)name);
}

static void show_processor(struct seq_file *m, int cpu)
{
	u32 eax, ebx, ecx, edx, family, model;

	cpuid(1, &eax, &ebx, &ecx, &edx);
	family = eax >> 8 & 0xf;
	model = (eax >> 4 & 0xf) | (eax >> 12 & 0xf0);
	seq_printf(m, "processor\t: %d\n", cpu);
	show_vendor(m);
	seq_printf(m, "cpu family\t: %u\nmodel\t\t: %u\n", family == 0xf ? family + (eax >> 20 & 0xff) : family, model);
	show_model_name(m);
	seq_printf(m, "stepping\t: %u\n", eax & 0xf);
	seq_puts(m, "flags\t\t:");
	show_flags(m, edx, edx_flags);
	show_flags(m, ecx, ecx_flags);
	seq_printf(m, "\nclflush size\t: %u\n\n", (ebx >> 8 & 0xff) * 8);
}

/* They are all alike. */
int cpuinfo_show(struct seq_file *m)
{
	int cpu;

	for_each_online_cpu(cpu)
		show_processor(m, cpu);
	return 0;
}
