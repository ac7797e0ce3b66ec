#ifndef _LINUX_TTY_H
#define _LINUX_TTY_H

#include <linux/termios.h>
#include <linux/wait.h>

struct file;
struct poll_table_struct;

#define N_TTY_BUF_SIZE 4096

/* The line discipline's input. Counters of bytes since boot; byte n is at index n % N_TTY_BUF_SIZE. */
struct n_tty_data {
	char read_buf[N_TTY_BUF_SIZE];
	unsigned long read_flags[N_TTY_BUF_SIZE / 64];	/* a bit for each byte that ends a line */
	unsigned long read_tail;	/* next for a reader */
	unsigned long canon_head;	/* end of the last whole line */
	unsigned long read_head;	/* end of the line being typed */
	bool lnext;			/* the next byte is taken as it is: Ctrl-V came before */
};

/* A terminal, and who uses it. */
struct tty_struct {
	struct ktermios termios;
	struct winsize winsize;
	pid_t session;			/* whose controlling terminal it is; 0 for nobody's */
	pid_t pgrp;			/* the group in the foreground, which may read and gets its signals */
	bool flow_stopped;		/* Ctrl-S */
	struct wait_queue_head read_wait;
	struct wait_queue_head write_wait;
	struct n_tty_data disc_data;
};

/* tty_io.c: the only one there is, COM1. */
extern struct tty_struct console_tty;
void tty_put_char(struct tty_struct *tty, u8 c);

/* n_tty.c */
void n_tty_receive_char(struct tty_struct *tty, u8 c);
ssize_t n_tty_read(struct tty_struct *tty, struct file *file, char __user *buf, size_t count);
ssize_t n_tty_write(struct tty_struct *tty, const char __user *buf, size_t count);
unsigned int n_tty_poll(struct tty_struct *tty, struct file *file, struct poll_table_struct *wait);
void n_tty_set_termios(struct tty_struct *tty, const struct ktermios *old);
void n_tty_flush_buffer(struct tty_struct *tty);
size_t n_tty_chars_in_buffer(const struct tty_struct *tty);

/* tty_ioctl.c */
long tty_ioctl(struct tty_struct *tty, unsigned int cmd, unsigned long arg);

/* tty_jobctrl.c */
int tty_check_change(struct tty_struct *tty, int sig);
void tty_open_proc_set_tty(struct file *file, struct tty_struct *tty);
long tty_jobctrl_ioctl(struct tty_struct *tty, unsigned int cmd, unsigned long arg);
void isig(int sig, struct tty_struct *tty);

#endif
