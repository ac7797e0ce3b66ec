/* The first C code: ask the BIOS what only it can tell, then leave real mode (Linux: arch/x86/boot/main.c). */
#include <linux/string.h>
#include "boot.h"

struct boot_params boot_params __aligned(16);

/* The loader filled in the header in the image; the kernel wants it in boot_params. */
static void copy_boot_params(void)
{
	memcpy(&boot_params.hdr, &hdr, sizeof(hdr));
}

int main(void)
{
	set_boot_mark(&boot_params, BOOT_MARK_SETUP);
	copy_boot_params();
	validate_cpu();
	detect_memory();
	go_to_protected_mode();
}
