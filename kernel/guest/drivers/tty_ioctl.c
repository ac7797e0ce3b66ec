/* A terminal's settings (Linux: drivers/tty/tty_ioctl.c). */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/tty.h>

static noinline long set_termios(struct tty_struct *tty, const struct ktermios __user *arg, bool flush)
{
	struct ktermios new, old;
	unsigned long flags;
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	if (copy_from_user(&new, arg, sizeof(new)))
		return -EFAULT;
	flags = local_irq_save();
	old = tty->termios;
	tty->termios = new;
	if (flush)
		n_tty_flush_buffer(tty);
	n_tty_set_termios(tty, &old);
	local_irq_restore(flags);
	return 0;
}

/* Programs in the foreground are told when the window is another size. */
static long tiocswinsz(struct tty_struct *tty, const struct winsize __user *arg)
{
	struct winsize new;

	if (copy_from_user(&new, arg, sizeof(new)))
		return -EFAULT;
	if (!memcmp(&new, &tty->winsize, sizeof(new)))
		return 0;
	tty->winsize = new;
	if (tty->pgrp)
		kill_pgrp(tty->pgrp, SIGWINCH, true);
	return 0;
}

static long flow(struct tty_struct *tty, unsigned long arg)
{
	if (arg != TCOOFF && arg != TCOON)
		return arg == 2 || arg == 3 ? 0 : -EINVAL;
	tty->flow_stopped = arg == TCOOFF;
	wake_up(&tty->write_wait);
	return 0;
}

static long flush(struct tty_struct *tty, unsigned long arg)
{
	unsigned long flags;

	if (arg > TCIOFLUSH)
		return -EINVAL;
	if (arg == TCOFLUSH)
		return 0;
	flags = local_irq_save();
	n_tty_flush_buffer(tty);
	local_irq_restore(flags);
	return 0;
}

/* What there is to tell of COM1; programs learn by it which /dev/ttyS they were given. */
static long tiocgserial(struct serial_struct __user *arg)
{
	struct serial_struct serial = {
		.type = PORT_16550A, .line = 0, .port = COM1_PORT, .irq = COM1_IRQ,
		.xmit_fifo_size = 16, .baud_base = 115200,
	};

	return copy_to_user(arg, &serial, sizeof(serial)) ? -EFAULT : 0;
}

/* What goes out is gone when write returns: there is never anything to drain. */
noinline long tty_ioctl(struct tty_struct *tty, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case TCGETS:
		return copy_to_user(p, &tty->termios, sizeof(tty->termios)) ? -EFAULT : 0;
	case TCSETS:
	case TCSETSW:
		return set_termios(tty, p, false);
	case TCSETSF:
		return set_termios(tty, p, true);
	case TIOCGWINSZ:
		return copy_to_user(p, &tty->winsize, sizeof(tty->winsize)) ? -EFAULT : 0;
	case TIOCSWINSZ:
		return tiocswinsz(tty, p);
	case TIOCGSERIAL:
		return tiocgserial(p);
	case TIOCINQ:
		return put_user((int)n_tty_chars_in_buffer(tty), (int __user *)p);
	case TIOCOUTQ:
		return put_user(0, (int __user *)p);
	case TCFLSH:
		return flush(tty, arg);
	case TCXONC:
		return flow(tty, arg);
	case TCSBRK:
	case TCSBRKP:
		return 0;
	default:
		return tty_jobctrl_ioctl(tty, cmd, arg);
	}
}
