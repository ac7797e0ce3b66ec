/* What the loader says about this machine: memory, command line, initramfs. */
#include <asm/bootparam.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/string.h>
#include <linux/time.h>

#define COMMAND_LINE_SIZE	2048
#define LOW_MEMORY_END		0x100000	/* BIOS areas, and what the loader left: never ours */

char boot_command_line[COMMAND_LINE_SIZE];

/* The same, which parse_args leaves whole: for /proc/cmdline. */
static char untouched_command_line[COMMAND_LINE_SIZE];
char *saved_command_line = untouched_command_line;

/* Direct-map addresses of the archive; both 0 without one. */
unsigned long initrd_start, initrd_end;

static const char *__init e820_type_name(u32 type)
{
	static const char *const names[] = {
		"type 0", "usable", "reserved", "ACPI data", "ACPI NVS", "unusable",
	};

	return type < ARRAY_SIZE(names) ? names[type] : "unknown";
}

static void __init e820__memory_setup(void)
{
	const struct boot_e820_entry *entry = boot_params.e820_table;
	u32 i;

	printk(KERN_INFO "BIOS-provided physical RAM map:\n");
	for (i = 0; i < boot_params.e820_entries; i++, entry++) {
		printk(KERN_INFO "BIOS-e820: [mem %#018lx-%#018lx] %s\n", entry->addr,
		       entry->addr + entry->size - 1, e820_type_name(entry->type));
		if (entry->type == E820_TYPE_RAM)
			memblock_add(entry->addr, entry->size);
	}
	memblock_reserve(0, LOW_MEMORY_END);
	memblock_reserve(__pa(_text), _end - _text);
}

static void __init reserve_initrd(void)
{
	unsigned long image = boot_params.hdr.ramdisk_image, size = boot_params.hdr.ramdisk_size;

	if (!size)
		return;
	initrd_start = (unsigned long)__va(image);
	initrd_end = initrd_start + size;
	memblock_reserve(image, size);
	printk(KERN_INFO "RAMDISK: [mem %#010lx-%#010lx]\n", image, image + size - 1);
}

/* Called first by start_kernel. Until mem_init only the first GiB is mapped: loaders keep to it. */
void __init setup_arch(void)
{
	if (boot_params.hdr.cmd_line_ptr)
		strscpy(boot_command_line, __va(boot_params.hdr.cmd_line_ptr), COMMAND_LINE_SIZE);
	strscpy(saved_command_line, boot_command_line, COMMAND_LINE_SIZE);
	e820__memory_setup();
	reserve_initrd();
}

static void __init print_boot_mark(const char *what, u64 tsc)
{
	u64 microseconds = tsc / tsc_hz * USEC_PER_SEC + tsc % tsc_hz * USEC_PER_SEC / tsc_hz;

	printk(KERN_INFO "boot: %2lu.%06lu %s\n", microseconds / USEC_PER_SEC, microseconds % USEC_PER_SEC, what);
}

/*
 * When what was before this was: seconds since the time-stamp counter was 0, at power-on. Called by start_kernel as
 * soon as its rate is known and the log's own clock begins; without a rate there is nothing to tell.
 */
noinline void __init print_boot_marks(void)
{
	static const char *const what[NR_BOOT_MARKS] = {
		[BOOT_MARK_SETUP] = "setup code in real mode",
		[BOOT_MARK_PROTECTED_MODE] = "to protected mode",
		[BOOT_MARK_DECOMPRESS] = "decompressor",
		[BOOT_MARK_DECOMPRESSED] = "kernel unpacked",
		[BOOT_MARK_KERNEL] = "kernel entered",
	};
	int i;

	if (!tsc_hz)
		return;
	for (i = 0; i < NR_BOOT_MARKS; i++)
		if (boot_params.boot_marks[i])
			print_boot_mark(what[i], boot_params.boot_marks[i]);
	print_boot_mark("this clock begins", rdtsc());
}

/* memmap=SIZE$START: memory that is there, but that nobody gets. */
static int __init parse_memmap_opt(char *p)
{
	unsigned long size = memparse(p, &p);

	if (*p++ != '$' || !size)
		return 0;
	memblock_reserve(memparse(p, &p), size);
	return !*p;
}
__setup("memmap=", parse_memmap_opt);
