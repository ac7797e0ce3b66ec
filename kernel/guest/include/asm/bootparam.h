#ifndef _ASM_BOOTPARAM_H
#define _ASM_BOOTPARAM_H

#include <linux/compiler.h>
#include <linux/types.h>

/* What a boot loader reads in a kernel's file, and what it fills in (Linux: Documentation/arch/x86/boot.rst). */
struct setup_header {
	u8 setup_sects;			/* sectors of the setup code behind the first */
	u16 root_flags;
	u32 syssize;			/* the rest of the file, in 16 bytes */
	u16 ram_size;
	u16 vid_mode;
	u16 root_dev;
	u16 boot_flag;
	u16 jump;			/* where the loader enters: over the rest of the header */
	u32 header;			/* "HdrS" */
	u16 version;
	u32 realmode_swtch;
	u16 start_sys_seg;
	u16 kernel_version;
	u8 type_of_loader;
	u8 loadflags;
	u16 setup_move_size;
	u32 code32_start;
	u32 ramdisk_image;
	u32 ramdisk_size;
	u32 bootsect_kludge;
	u16 heap_end_ptr;
	u8 ext_loader_ver;
	u8 ext_loader_type;
	u32 cmd_line_ptr;
	u32 initrd_addr_max;
	u32 kernel_alignment;
	u8 relocatable_kernel;
	u8 min_alignment;
	u16 xloadflags;
	u32 cmdline_size;
	u32 hardware_subarch;
	u64 hardware_subarch_data;
	u32 payload_offset;
	u32 payload_length;
	u64 setup_data;
	u64 pref_address;
	u32 init_size;
	u32 handover_offset;
	u32 kernel_info_offset;
} __packed;

enum e820_type { E820_TYPE_RAM = 1, E820_TYPE_RESERVED, E820_TYPE_ACPI, E820_TYPE_NVS, E820_TYPE_UNUSABLE };

struct boot_e820_entry {
	u64 addr;
	u64 size;
	u32 type;
} __packed;

#define E820_MAX_ENTRIES_ZEROPAGE 128

/* Moments of the boot, of which the log can tell only later. */
enum boot_mark {
	BOOT_MARK_SETUP,		/* main, in real mode */
	BOOT_MARK_PROTECTED_MODE,	/* go_to_protected_mode is about to */
	BOOT_MARK_DECOMPRESS,		/* extract_kernel begins */
	BOOT_MARK_DECOMPRESSED,		/* and ends */
	BOOT_MARK_KERNEL,		/* x86_64_start_kernel */
	NR_BOOT_MARKS
};

/* The "zero page": all that the kernel knows of the machine as it starts (Linux: asm/bootparam.h). */
struct boot_params {
	u8 _pad1[0x070];
	u64 acpi_rsdp_addr;
	u8 _pad2[0x1e8 - 0x078];
	u8 e820_entries;
	u8 _pad3[0x1f1 - 0x1e9];
	struct setup_header hdr;
	u8 _pad4[0x290 - 0x1f1 - sizeof(struct setup_header)];
	u64 boot_marks[NR_BOOT_MARKS];	/* time-stamp counter; Linux has signatures of disks here */
	u8 _pad5[0x2d0 - 0x290 - NR_BOOT_MARKS * sizeof(u64)];
	struct boot_e820_entry e820_table[E820_MAX_ENTRIES_ZEROPAGE];
	u8 _pad6[0x1000 - 0xcd0];
} __packed;

_Static_assert(offsetof(struct boot_params, hdr.init_size) == 0x260, "struct setup_header");
_Static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "struct boot_params");
_Static_assert(sizeof(struct boot_params) == 0x1000, "struct boot_params");

extern struct boot_params boot_params;

/* For 16-bit, 32-bit and 64-bit code alike. */
static inline void set_boot_mark(struct boot_params *params, enum boot_mark mark)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	params->boot_marks[mark] = (u64)high << 32 | low;
}

#endif
