/* Words for the user, on the screen that the BIOS has (Linux: arch/x86/boot/tty.c). */
#include "boot.h"

#define TELETYPE	0x0e00	/* INT 10h, AH: a character, the cursor moves on */
#define WHITE_ON_BLACK	0x0007

static void putchar(char c)
{
	struct biosregs ireg, oreg;

	if (c == '\n')
		putchar('\r');
	initregs(&ireg);
	ireg.ebx = WHITE_ON_BLACK;
	ireg.eax = TELETYPE | (u8)c;
	intcall(0x10, &ireg, &oreg);
}

void puts(const char *s)
{
	while (*s)
		putchar(*s++);
}
