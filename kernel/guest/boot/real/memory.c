/* What memory there is, by the BIOS: INT 15h, E820 (ACPI 6.5, 15.1; Linux: arch/x86/boot/memory.c). */
#include "boot.h"

#define SMAP	0x534d4150

/* One range for each call; EBX, which nobody looks into, leads from each to the next, and is 0 behind the last. */
static noinline int detect_memory_e820(void)
{
	struct boot_e820_entry *desc = boot_params.e820_table;
	static struct boot_e820_entry buf;
	struct biosregs ireg, oreg;
	int count = 0;

	initregs(&ireg);
	ireg.edi = (u32)(uintptr_t)&buf;
	do {
		ireg.eax = 0xe820;
		ireg.ecx = sizeof(buf);
		ireg.edx = SMAP;
		intcall(0x15, &ireg, &oreg);
		if (oreg.eflags & EFLAGS_CF)
			break;
		/* Some answer otherwise in the middle of the map: then it is no map. */
		if (oreg.eax != SMAP) {
			count = 0;
			break;
		}
		*desc++ = buf;
		count++;
		ireg.ebx = oreg.ebx;
	} while (ireg.ebx && count < E820_MAX_ENTRIES_ZEROPAGE);

	return boot_params.e820_entries = count;
}

void detect_memory(void)
{
	if (detect_memory_e820())
		return;
	puts("The BIOS gives no memory map (INT 15h, E820).\n");
	die();
}
