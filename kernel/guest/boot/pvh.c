/*
 * PVH's start information, turned into boot_params, so that all behind knows of one kind of loader only
 * (Linux: arch/x86/platform/pvh/enlighten.c).
 */
#include <asm/bootparam.h>
#include <asm/page.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/pvh.h>

#define XEN_LOADER	(9 << 4)	/* type_of_loader */

/* Written by pvh_start_xen, before .bss is cleared. */
unsigned int pvh_start_info_pa __section(".data");

static void __init mem_map_via_hcall(const struct hvm_start_info *info)
{
	const struct hvm_memmap_table_entry *entry = __va(info->memmap_paddr);
	u32 i, n = min(info->memmap_entries, (u32)E820_MAX_ENTRIES_ZEROPAGE);

	for (i = 0; i < n; i++, entry++)
		boot_params.e820_table[i] = (struct boot_e820_entry) { entry->addr, entry->size, entry->type };
	boot_params.e820_entries = n;
}

static void __init init_pvh_bootparams(const struct hvm_start_info *info)
{
	mem_map_via_hcall(info);
	if (info->nr_modules) {
		const struct hvm_modlist_entry *module = __va(info->modlist_paddr);

		boot_params.hdr.ramdisk_image = module->paddr;
		boot_params.hdr.ramdisk_size = module->size;
	}
	boot_params.hdr.cmd_line_ptr = info->cmdline_paddr;
	boot_params.hdr.type_of_loader = XEN_LOADER;
	boot_params.acpi_rsdp_addr = info->rsdp_paddr;
}

void __init xen_prepare_pvh(void)
{
	const struct hvm_start_info *info = __va(pvh_start_info_pa);

	if (info->magic != XEN_HVM_START_MAGIC_VALUE)
		panic("no PVH start info at %#x: magic is %#x", pvh_start_info_pa, info->magic);
	if (info->version < 1 || !info->memmap_entries)
		panic("PVH start info of version %u carries no memory map", info->version);
	init_pvh_bootparams(info);
}
