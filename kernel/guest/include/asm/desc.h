#ifndef _ASM_DESC_H
#define _ASM_DESC_H

#include <asm/percpu.h>
#include <asm/segment.h>
#include <linux/kernel.h>

/* An 8-byte segment descriptor (SDM 3A 3.4.5). */
struct desc_struct {
	u16 limit0;
	u16 base0;
	u16 base1 : 8, type : 4, s : 1, dpl : 2, p : 1;
	u16 limit1 : 4, avl : 1, l : 1, d : 1, g : 1, base2 : 8;
} __packed;

/* The first eight bytes of a 16-byte system descriptor, and its upper half of the base (SDM 3A 7.2.3). */
struct tss_desc {
	struct desc_struct low;
	u32 base3;
	u32 zero1;
} __packed;

/* A 16-byte gate of the IDT (SDM 3A 6.14.1). */
struct gate_struct {
	u16 offset_low;
	u16 segment;
	u16 ist : 3, zero : 5, type : 5, dpl : 2, p : 1;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
} __packed;

/* What LGDT and LIDT read. */
struct desc_ptr {
	u16 size;
	unsigned long address;
} __packed;

enum { DESC_LDT = 0x2, DESC_TSS = 0x9, GATE_CALL = 0xc, GATE_INTERRUPT = 0xe, GATE_TRAP = 0xf };
enum { DPL_KERNEL = 0, DPL_RING1 = 1, DPL_USER = 3 };

struct gdt_page {
	struct desc_struct gdt[GDT_ENTRIES];
} __aligned(4096);

extern struct gdt_page gdt_page;
extern struct gate_struct idt_table[NR_VECTORS];

/* The processor's own table's. */
#define this_gdt_entry(selector) (&this_cpu_ptr(&gdt_page)->gdt[GDT_ENTRY(selector)])

void cpu_init(void);
void trap_init(void);
void load_current_idt(void);

#endif
