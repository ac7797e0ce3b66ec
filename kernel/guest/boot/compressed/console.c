/* The serial line, for the time before the kernel has its own driver (Linux: compressed/early_serial_console.c). */
#include <asm/io.h>
#include <asm/layout.h>
#include "misc.h"

#define LSR		(COM1_PORT + 5)
#define LSR_THRE	0x20

/* 115200 bit/s, 8N1, FIFOs, as the kernel's driver sets it again. */
void console_init(void)
{
	outb(0, COM1_PORT + 1);
	outb(0x83, COM1_PORT + 3);
	outb(1, COM1_PORT);
	outb(0, COM1_PORT + 1);
	outb(0x03, COM1_PORT + 3);
	outb(0x07, COM1_PORT + 2);
	outb(0x03, COM1_PORT + 4);
}

static void serial_putchar(u8 c)
{
	while (!(inb(LSR) & LSR_THRE))
		;
	outb(c, COM1_PORT);
}

void __putstr(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			serial_putchar('\r');
		serial_putchar(*s);
	}
}
