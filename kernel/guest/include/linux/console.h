#ifndef _LINUX_CONSOLE_H
#define _LINUX_CONSOLE_H

#include <linux/types.h>

/* serial8250.c: COM1. Output is polled, so that it works with interrupts off and in a panic. */
void early_serial_init(void);
void serial8250_putc(char c);
void serial8250_write(const char *s, size_t count);

/* n_tty.c: the console's line discipline; called by the serial interrupt for every byte typed. */
void tty_receive_char(u8 c);

#endif
