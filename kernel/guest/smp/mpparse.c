/*
 * Which processors there are: what the firmware wrote into the tables of Intel's MultiProcessor Specification 1.4,
 * chapter 4 (Linux: arch/x86/kernel/mpparse.c; it believes ACPI's MADT first, which tells the same).
 */
#include <asm/page.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/smp.h>
#include <linux/string.h>

struct mpf_intel {
	char signature[4];		/* _MP_ */
	u32 physptr;			/* of the table */
	u8 length;			/* in paragraphs of 16 bytes */
	u8 specification;
	u8 checksum;
	u8 feature1;			/* not 0: a default configuration, without a table */
	u8 feature2, feature3, feature4, feature5;
};

struct mpc_table {
	char signature[4];		/* PCMP */
	u16 length;
	u8 spec, checksum;
	char oem[8], productid[12];
	u32 oemptr;
	u16 oemsize, oemcount;
	u32 lapic;
	u32 reserved;
};

struct mpc_cpu {
	u8 type, apicid, apicver, cpuflag;
	u32 cpufeature, featureflag;
	u32 reserved[2];
};

#define MPC_END		(PUD_SIZE - 0x10000)	/* a table is shorter than 64 KiB, and the first GiB is mapped */

enum { MP_PROCESSOR, CPU_ENABLED = 1, CPU_BOOTPROCESSOR = 2, MP_ENTRY_SIZE = 8 };

struct cpumask __cpu_possible_mask = { { 1 } }, __cpu_present_mask = { { 1 } };
struct cpumask __cpu_online_mask = { { 1 } }, __cpu_active_mask = { { 1 } };
u8 x86_cpu_to_apicid[NR_CPUS];

/* maxcpus=N, nosmp: no more than these. */
static unsigned int setup_max_cpus = NR_CPUS;

static int __init maxcpus_setup(char *str)
{
	char *end;
	long n = simple_strtol(str, &end);

	if (end == str || *end || n < 0)
		return 0;
	setup_max_cpus = n;
	return 1;
}
__setup("maxcpus=", maxcpus_setup);

static int __init nosmp(char *str)
{
	setup_max_cpus = 0;
	return 1;
}
__setup("nosmp", nosmp);

static bool __init mpf_checksum(const u8 *bytes, size_t length)
{
	u8 sum = 0;

	while (length--)
		sum += *bytes++;
	return !sum;
}

static void __init generic_processor_info(const struct mpc_cpu *m, unsigned int *count)
{
	if (!(m->cpuflag & CPU_ENABLED))
		return;
	if (m->cpuflag & CPU_BOOTPROCESSOR) {
		x86_cpu_to_apicid[0] = m->apicid;
		return;
	}
	if (*count >= NR_CPUS || *count >= setup_max_cpus)
		return;
	x86_cpu_to_apicid[*count] = m->apicid;
	cpumask_set_cpu(*count, &__cpu_possible_mask);
	cpumask_set_cpu((*count)++, &__cpu_present_mask);
}

/* Processors come first in the table; no other entry is of interest. */
static void __init smp_read_mpc(const struct mpc_table *mpc)
{
	const u8 *entry = (const u8 *)(mpc + 1), *end = (const u8 *)mpc + mpc->length;
	unsigned int count = 1;

	if (memcmp(mpc->signature, "PCMP", 4) || !mpf_checksum((const u8 *)mpc, mpc->length)) {
		printk(KERN_ERR "MPTABLE: bad signature or checksum at %#lx\n", __pa(mpc));
		return;
	}
	while (entry < end) {
		if (*entry == MP_PROCESSOR)
			generic_processor_info((const struct mpc_cpu *)entry, &count);
		entry += *entry == MP_PROCESSOR ? sizeof(struct mpc_cpu) : MP_ENTRY_SIZE;
	}
	printk(KERN_INFO "smpboot: Allowing %u CPU%s\n", count, count > 1 ? "s" : "");
}

static bool __init smp_scan_config(unsigned long base, unsigned long length)
{
	const struct mpf_intel *mpf = __va(base);

	for (; length >= sizeof(*mpf); mpf++, length -= sizeof(*mpf)) {
		if (memcmp(mpf->signature, "_MP_", 4) || mpf->length != 1 || !mpf_checksum((const u8 *)mpf, sizeof(*mpf)))
			continue;
		if (mpf->physptr && mpf->physptr < MPC_END && !mpf->feature1)
			smp_read_mpc(__va(mpf->physptr));
		return true;
	}
	return false;
}

/*
 * Called by start_kernel, while the first GiB is mapped whatever is there. The pointer is in the first KiB of the
 * extended BIOS data area, in the last one below 640 KiB, or in the BIOS ROM.
 */
void __init find_smp_config(void)
{
	unsigned long ebda = (unsigned long)*(const u16 *)__va(0x40e) << 4;

	if (ebda >= 0x80000 && ebda < 0xa0000 && smp_scan_config(ebda, 0x400))
		return;
	if (!smp_scan_config(639 * 0x400, 0x400))
		smp_scan_config(0xf0000, 0x10000);
}
