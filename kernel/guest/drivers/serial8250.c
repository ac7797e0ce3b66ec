/* The 16550 at COM1: output by polling, input by interrupt. */
#include <asm/io.h>
#include <asm/irqflags.h>
#include <linux/console.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>

/* Registers, relative to the port (National Semiconductor PC16550D, table II). */
enum {
	UART_RX = 0,		/* in: a received byte */
	UART_TX = 0,		/* out: a byte to send */
	UART_DLL = 0,		/* divisor, low byte, while UART_LCR_DLAB */
	UART_IER = 1,
	UART_DLM = 1,
	UART_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
};

enum {
	UART_IER_RDI = 0x01,		/* interrupt when a byte came in */
	UART_FCR_ENABLE = 0x07,		/* both FIFOs, empty */
	UART_LCR_8N1 = 0x03,
	UART_LCR_DLAB = 0x80,
	UART_MCR_ENABLE = 0x0b,		/* DTR, RTS, and OUT2: the interrupt line */
	UART_LSR_DR = 0x01,
	UART_LSR_THRE = 0x20,
	DIVISOR_115200 = 1,
};

static u8 serial_in(int reg)
{
	return inb(COM1_PORT + reg);
}

static void serial_out(int reg, u8 value)
{
	outb(value, COM1_PORT + reg);
}

/* Called first of all: from here on printk is seen. */
void __init early_serial_init(void)
{
	serial_out(UART_IER, 0);
	serial_out(UART_LCR, UART_LCR_DLAB | UART_LCR_8N1);
	serial_out(UART_DLL, DIVISOR_115200);
	serial_out(UART_DLM, 0);
	serial_out(UART_LCR, UART_LCR_8N1);
	serial_out(UART_FCR, UART_FCR_ENABLE);
	serial_out(UART_MCR, UART_MCR_ENABLE);
}

void serial8250_putc(char c)
{
	while (!(serial_in(UART_LSR) & UART_LSR_THRE))
		;
	serial_out(UART_TX, c);
}

/* Text: a newline moves to the line's start too. */
noinline void serial8250_write(const char *s, size_t count)
{
	while (count--) {
		if (*s == '\n')
			serial8250_putc('\r');
		serial8250_putc(*s++);
	}
}

#define FLIP_BUFFER_SIZE 1024

/* Bytes on their way from the interrupt to the line discipline; counters as n_tty's. */
static struct {
	u8 bytes[FLIP_BUFFER_SIZE];
	unsigned long head, tail;
} flip_buffer;

static struct tasklet_struct flip_tasklet;

/* Interrupts off. What the buffer has no room for stays in the port. */
static void read_chars(void)
{
	while (flip_buffer.head - flip_buffer.tail < FLIP_BUFFER_SIZE && serial_in(UART_LSR) & UART_LSR_DR)
		flip_buffer.bytes[flip_buffer.head++ % FLIP_BUFFER_SIZE] = serial_in(UART_RX);
}

/* With interrupts on: editing and echo are slow, since the port sends byte by byte. In Linux a kernel thread does it. */
static noinline void flush_to_ldisc(struct tasklet_struct *t)
{
	do {
		while (flip_buffer.tail != READ_ONCE(flip_buffer.head))
			tty_receive_char(flip_buffer.bytes[flip_buffer.tail++ % FLIP_BUFFER_SIZE]);
		local_irq_disable();
		read_chars();
		local_irq_enable();
	} while (flip_buffer.tail != flip_buffer.head);
}

/* Only what cannot wait: the port's FIFO has room for 16 bytes. */
static noinline void serial8250_interrupt(int irq)
{
	read_chars();
	tasklet_schedule(&flip_tasklet);
}

static int __init serial8250_init(void)
{
	tasklet_setup(&flip_tasklet, flush_to_ldisc);
	request_irq(COM1_IRQ, serial8250_interrupt, "ttyS0");
	serial_out(UART_IER, UART_IER_RDI);
	printk(KERN_INFO "serial8250: ttyS0 at I/O %#x (irq = %d) is a 16550A\n", COM1_PORT, COM1_IRQ);
	return 0;
}
device_initcall(serial8250_init);
