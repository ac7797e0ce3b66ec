/* What the loader says about this machine: memory, command line, initramfs. */
#include <asm/page.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/pvh.h>
#include <linux/string.h>

#define COMMAND_LINE_SIZE	2048
#define LOW_MEMORY_END		0x100000	/* BIOS areas, and what the loader left: never ours */

char boot_command_line[COMMAND_LINE_SIZE];

/* The same, which parse_args leaves whole: for /proc/cmdline. */
char saved_command_line[COMMAND_LINE_SIZE];

/* Written by startup_32. */
unsigned int pvh_start_info_pa __section(".data");

/* Direct-map addresses of the archive; both 0 without one. */
unsigned long initrd_start, initrd_end;

static const char *__init memmap_type(u32 type)
{
	static const char *const names[] = {
		"type 0", "usable", "reserved", "ACPI data", "ACPI NVS", "unusable",
	};

	return type < ARRAY_SIZE(names) ? names[type] : "unknown";
}

static void __init setup_memory_map(const struct hvm_start_info *info)
{
	const struct hvm_memmap_table_entry *entry = __va(info->memmap_paddr);
	u32 i;

	printk(KERN_INFO "PVH-provided physical RAM map:\n");
	for (i = 0; i < info->memmap_entries; i++, entry++) {
		printk(KERN_INFO "[mem %#018lx-%#018lx] %s\n", entry->addr, entry->addr + entry->size - 1,
		       memmap_type(entry->type));
		if (entry->type == XEN_HVM_MEMMAP_TYPE_RAM)
			memblock_add(entry->addr, entry->size);
	}
	memblock_reserve(0, LOW_MEMORY_END);
	memblock_reserve(__pa(_text), _end - _text);
}

static void __init setup_initrd(const struct hvm_start_info *info)
{
	const struct hvm_modlist_entry *module = __va(info->modlist_paddr);

	if (!info->nr_modules)
		return;
	initrd_start = (unsigned long)__va(module->paddr);
	initrd_end = initrd_start + module->size;
	memblock_reserve(module->paddr, module->size);
	printk(KERN_INFO "RAMDISK: [mem %#010lx-%#010lx]\n", module->paddr, module->paddr + module->size - 1);
}

/* Called first by start_kernel. Until mem_init only the first GiB is mapped: loaders keep to it. */
void __init setup_arch(void)
{
	const struct hvm_start_info *info = __va(pvh_start_info_pa);

	if (info->magic != XEN_HVM_START_MAGIC_VALUE)
		panic("no PVH start info at %#x: magic is %#x", pvh_start_info_pa, info->magic);
	if (info->version < 1 || !info->memmap_entries)
		panic("PVH start info of version %u carries no memory map", info->version);
	if (info->cmdline_paddr)
		strscpy(boot_command_line, __va(info->cmdline_paddr), COMMAND_LINE_SIZE);
	strscpy(saved_command_line, boot_command_line, COMMAND_LINE_SIZE);
	setup_memory_map(info);
	setup_initrd(info);
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
