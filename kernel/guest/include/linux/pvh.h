#ifndef _LINUX_PVH_H
#define _LINUX_PVH_H

#include <linux/types.h>

/* What a PVH loader leaves in memory (Xen: public/arch-x86/hvm/start_info.h). All addresses are physical. */
#define XEN_HVM_START_MAGIC_VALUE 0x336ec578

struct hvm_start_info {
	u32 magic;
	u32 version;			/* from 1 on there is a memory map */
	u32 flags;
	u32 nr_modules;
	u64 modlist_paddr;
	u64 cmdline_paddr;
	u64 rsdp_paddr;
	u64 memmap_paddr;
	u32 memmap_entries;
	u32 reserved;
};

struct hvm_modlist_entry {
	u64 paddr;
	u64 size;
	u64 cmdline_paddr;
	u64 reserved;
};

struct hvm_memmap_table_entry {
	u64 addr;
	u64 size;
	u32 type;
	u32 reserved;
};

void xen_prepare_pvh(void);

#endif
