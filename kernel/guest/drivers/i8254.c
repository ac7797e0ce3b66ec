/* Channel 0 of the 8254: HZ interrupts a second on line 0 (Intel 8254 data sheet). */
#include <asm/io.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>

enum {
	PIT_CH0 = 0x40,
	PIT_MODE = 0x43,
	PIT_CH0_RATE_GENERATOR = 0x34,	/* channel 0, low byte then high byte, mode 2, binary */
};

#define PIT_LATCH ((PIT_TICK_RATE + HZ / 2) / HZ)

void __init setup_pit_timer(void)
{
	outb(PIT_CH0_RATE_GENERATOR, PIT_MODE);
	outb(PIT_LATCH & 0xff, PIT_CH0);
	outb(PIT_LATCH >> 8, PIT_CH0);
}
