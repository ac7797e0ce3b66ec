/* The terminal as a file: /dev/ttyS0, /dev/console, and /dev/tty, which is whichever one the caller's session has. */
#include <linux/console.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/sched/signal.h>
#include <linux/tty.h>

#define TTY_DEV		MKDEV(5, 0)
#define CONSOLE_DEV	MKDEV(5, 1)
#define TTYS0_DEV	MKDEV(4, 64)

struct tty_struct console_tty = {
	.termios = {
		.c_iflag = ICRNL | IXON,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B115200 | CS8 | CREAD | HUPCL,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_cc = {
			[VINTR] = 'C' & 0x1f, [VQUIT] = '\\' & 0x1f, [VERASE] = 0x7f, [VKILL] = 'U' & 0x1f,
			[VEOF] = 'D' & 0x1f, [VMIN] = 1, [VSTART] = 'Q' & 0x1f, [VSTOP] = 'S' & 0x1f,
			[VSUSP] = 'Z' & 0x1f, [VREPRINT] = 'R' & 0x1f, [VDISCARD] = 'O' & 0x1f,
			[VWERASE] = 'W' & 0x1f, [VLNEXT] = 'V' & 0x1f,
		},
	},
	.read_wait = __WAIT_QUEUE_HEAD_INITIALIZER(console_tty.read_wait),
	.write_wait = __WAIT_QUEUE_HEAD_INITIALIZER(console_tty.write_wait),
};

/* Any context. */
void tty_put_char(struct tty_struct *tty, u8 c)
{
	serial8250_putc(c);
}

/* Called by flush_to_ldisc, in a softirq. */
noinline void tty_receive_char(u8 c)
{
	n_tty_receive_char(&console_tty, c);
}

/* The console never becomes a session's terminal by being opened: nobody's Ctrl-C is meant for all who log there. */
static noinline int tty_open(struct inode *inode, struct file *file)
{
	struct tty_struct *tty = inode->i_rdev == TTY_DEV ? current->signal->tty : &console_tty;

	if (!tty)
		return -ENXIO;
	file->private_data = tty;
	if (!(file->f_flags & O_NOCTTY) && inode->i_rdev == TTYS0_DEV)
		tty_open_proc_set_tty(file, tty);
	return 0;
}

static ssize_t tty_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return n_tty_read(file->private_data, file, buf, count);
}

static ssize_t tty_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	return n_tty_write(file->private_data, buf, count);
}

static unsigned int tty_poll(struct file *file, struct poll_table_struct *wait)
{
	return n_tty_poll(file->private_data, file, wait);
}

static long tty_unlocked_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return tty_ioctl(file->private_data, cmd, arg);
}

static const struct file_operations tty_fops = {
	.open = tty_open,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.unlocked_ioctl = tty_unlocked_ioctl,
	.llseek = no_llseek,
};

static int __init tty_init(void)
{
	register_chrdev(TTYS0_DEV, "ttyS0", 0600, &tty_fops);
	register_chrdev(TTY_DEV, "tty", 0666, &tty_fops);
	return register_chrdev(CONSOLE_DEV, "console", 0600, &tty_fops);
}
core_initcall(tty_init);
