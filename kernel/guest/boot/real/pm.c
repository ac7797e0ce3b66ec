/* From real mode to protected mode (SDM 3A 10.9.1; Linux: arch/x86/boot/pm.c). */
#include "boot.h"
#include "segment.h"

struct gdt_ptr {
	u16 len;
	u32 ptr;
} __packed;

/* Flags and limit as a descriptor has them, from the selector's attributes and base 0 (SDM 3A 3.4.5). */
#define FLAT(attributes)	((u64)(attributes) << 40 | 0xcf000000000000 | 0xffff)

static void mask_all_interrupts(void)
{
	outb(0xff, 0xa1);
	outb(0xff, 0x21);
}

static noinline void setup_idt(void)
{
	static const struct gdt_ptr null_idt = { 0, 0 };

	asm volatile("lidtl %0" : : "m"(null_idt));
}

static noinline void setup_gdt(void)
{
	/* It is read again whenever a segment register is loaded: not from the stack. */
	static const u64 boot_gdt[] __aligned(16) = {
		[__BOOT_CS / 8] = FLAT(0x9b),		/* code, execute and read */
		[__BOOT_DS / 8] = FLAT(0x93),		/* data, read and write */
		[__BOOT_TSS / 8] = 0x0000890000000067 | (u64)4096 << 16,	/* nothing, but a valid TR */
	};
	static struct gdt_ptr gdt;

	gdt.len = sizeof(boot_gdt) - 1;
	gdt.ptr = linear(boot_gdt);
	asm volatile("lgdtl %0" : : "m"(gdt));
}

void go_to_protected_mode(void)
{
	asm volatile("cli");
	outb(0x80, 0x70);	/* and no NMI */

	if (enable_a20()) {
		puts("A20 gate not responding, unable to boot...\n");
		die();
	}
	mask_all_interrupts();
	setup_idt();
	setup_gdt();
	set_boot_mark(&boot_params, BOOT_MARK_PROTECTED_MODE);
	protected_mode_jump(boot_params.hdr.code32_start, linear(&boot_params));
}
