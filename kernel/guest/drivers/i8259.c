/* The pair of 8259 interrupt controllers (Intel 8259A data sheet). */
#include <asm/io.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>

enum {
	PIC_MASTER_CMD = 0x20,
	PIC_MASTER_IMR = 0x21,
	PIC_SLAVE_CMD = 0xa0,
	PIC_SLAVE_IMR = 0xa1,
	PIC_CASCADE_IR = 2,		/* the slave hangs on this line of the master */
};

enum {
	ICW1_INIT = 0x11,		/* edge triggered, cascaded, ICW4 follows */
	ICW4_8086 = 0x01,
	OCW2_SPECIFIC_EOI = 0x60,
	OCW3_READ_ISR = 0x0b,
};

/* Bit set: the line is masked. */
static u16 cached_irq_mask = 0xffff & ~(1 << PIC_CASCADE_IR);

static void write_mask(void)
{
	outb(cached_irq_mask, PIC_MASTER_IMR);
	outb(cached_irq_mask >> 8, PIC_SLAVE_IMR);
}

void __init init_8259A(void)
{
	outb(0xff, PIC_MASTER_IMR);
	outb(0xff, PIC_SLAVE_IMR);

	outb(ICW1_INIT, PIC_MASTER_CMD);
	outb(ISA_IRQ_VECTOR, PIC_MASTER_IMR);
	outb(1 << PIC_CASCADE_IR, PIC_MASTER_IMR);
	outb(ICW4_8086, PIC_MASTER_IMR);

	outb(ICW1_INIT, PIC_SLAVE_CMD);
	outb(ISA_IRQ_VECTOR + 8, PIC_SLAVE_IMR);
	outb(PIC_CASCADE_IR, PIC_SLAVE_IMR);
	outb(ICW4_8086, PIC_SLAVE_IMR);

	write_mask();
}

void enable_8259A_irq(int irq)
{
	cached_irq_mask &= ~(1 << irq);
	write_mask();
}

/* Hold the line back and tell the controller that we have it. */
void mask_and_ack_8259A(int irq)
{
	cached_irq_mask |= 1 << irq;
	write_mask();
	if (irq >= 8) {
		outb(OCW2_SPECIFIC_EOI + (irq & 7), PIC_SLAVE_CMD);
		irq = PIC_CASCADE_IR;
	}
	outb(OCW2_SPECIFIC_EOI + irq, PIC_MASTER_CMD);
}

static bool in_service(int irq)
{
	u16 command = irq < 8 ? PIC_MASTER_CMD : PIC_SLAVE_CMD;

	outb(OCW3_READ_ISR, command);
	return inb(command) & (1 << (irq & 7));
}

/* A line that fell back before it was acknowledged shows as its controller's last, and is not in service. */
bool spurious_8259A_irq(int irq)
{
	if ((irq & 7) != 7 || in_service(irq))
		return false;
	if (irq >= 8)
		outb(OCW2_SPECIFIC_EOI + PIC_CASCADE_IR, PIC_MASTER_CMD);
	return true;
}
