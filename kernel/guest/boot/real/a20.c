/*
 * Address line 20, which the IBM PC held low so that addresses wrapped at 1 MiB as the 8086's did
 * (Linux: arch/x86/boot/a20.c).
 */
#include "boot.h"

#define A20_TEST_ADDR	(4 * 0x80)	/* a vector that nobody uses here */
#define FAST_GATE	0x92		/* system control port A: bit 1 is A20, bit 0 resets the machine */

/* The word at 0000:0200, and the one a megabyte above it: the same place if the line is low. */
static u32 read_low(void)
{
	u32 value;

	asm volatile("movw %w1, %%fs; movl %%fs:(%2), %0" : "=r"(value) : "r"(0), "r"(A20_TEST_ADDR) : "memory");
	return value;
}

static void write_low(u32 value)
{
	asm volatile("movw %w0, %%fs; movl %1, %%fs:(%2)" : : "r"(0), "r"(value), "r"(A20_TEST_ADDR) : "memory");
}

static u32 read_high(void)
{
	u32 value;

	asm volatile("movw %w1, %%gs; movl %%gs:(%2), %0"
		     : "=r"(value) : "r"(0xffff), "r"(A20_TEST_ADDR + 0x10) : "memory");
	return value;
}

static bool a20_test(void)
{
	u32 saved = read_low(), value = saved;
	bool differs = false;
	int tries;

	for (tries = 0; tries < 32 && !differs; tries++) {
		write_low(++value);
		differs = read_high() != value;
	}
	write_low(saved);
	return differs;
}

static void enable_a20_bios(void)
{
	struct biosregs ireg, oreg;

	initregs(&ireg);
	ireg.eax = 0x2401;
	intcall(0x15, &ireg, &oreg);
}

static void enable_a20_fast(void)
{
	outb((inb(FAST_GATE) | 0x02) & ~0x01, FAST_GATE);
}

/* 0, or -1 if nothing helps. */
int enable_a20(void)
{
	if (a20_test())
		return 0;
	enable_a20_bios();
	if (a20_test())
		return 0;
	enable_a20_fast();
	return a20_test() ? 0 : -1;
}
