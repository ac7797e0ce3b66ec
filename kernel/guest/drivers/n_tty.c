/*
 * The console's line discipline, in canonical mode: bytes are echoed and edited as they come in by interrupt;
 * a reader gets whole lines.
 */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/console.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/sched.h>

#define N_TTY_BUF_SIZE 1024

#define CONTROL(c) ((c) & 0x1f)
#define ERASE_CHAR	0x7f
#define BACKSPACE	'\b'
#define KILL_CHAR	CONTROL('U')
#define EOF_CHAR	CONTROL('D')
#define BELL		CONTROL('G')

/* Counters of bytes since boot; byte n is at index n % N_TTY_BUF_SIZE. read_tail <= canon_head <= read_head. */
static struct n_tty_data {
	char read_buf[N_TTY_BUF_SIZE];
	unsigned long read_tail;	/* next for a reader */
	unsigned long canon_head;	/* end of the last whole line */
	unsigned long read_head;	/* end of the line being typed */
	struct wait_queue_head read_wait;
} ldata = { .read_wait = __WAIT_QUEUE_HEAD_INITIALIZER(ldata.read_wait) };

static void echo(const char *s, size_t count)
{
	serial8250_write(s, count);
}

static void put_tty_queue(u8 c)
{
	ldata.read_buf[ldata.read_head++ % N_TTY_BUF_SIZE] = c;
}

/* The line is whole: whoever waits may have it. */
static void end_line(u8 c)
{
	put_tty_queue(c);
	ldata.canon_head = ldata.read_head;
	wake_up(&ldata.read_wait);
}

static void erase_char(void)
{
	if (ldata.read_head == ldata.canon_head)
		return;
	ldata.read_head--;
	echo("\b \b", 3);
}

static void insert_char(u8 c)
{
	/* The last place is kept for the line's end. */
	if (ldata.read_head - ldata.read_tail >= N_TTY_BUF_SIZE - 1) {
		echo(&(char) { BELL }, 1);
		return;
	}
	put_tty_queue(c);
	echo(&(char) { c }, 1);
}

/* Called by the serial interrupt, interrupts off. */
noinline void tty_receive_char(u8 c)
{
	switch (c) {
	case '\r':
	case '\n':
		if (ldata.read_head - ldata.read_tail < N_TTY_BUF_SIZE) {
			echo("\n", 1);
			end_line('\n');
		}
		break;
	case ERASE_CHAR:
	case BACKSPACE:
		erase_char();
		break;
	case KILL_CHAR:
		while (ldata.read_head != ldata.canon_head)
			erase_char();
		break;
	case EOF_CHAR:
		if (ldata.read_head - ldata.read_tail < N_TTY_BUF_SIZE)
			end_line('\0');
		break;
	default:
		if (c >= ' ' || c == '\t')
			insert_char(c);
	}
}

/* The next byte of a whole line; -1 if there is none. */
static int get_tty_queue(void)
{
	unsigned long flags = local_irq_save();
	int c = -1;

	if (ldata.read_tail != ldata.canon_head)
		c = (u8)ldata.read_buf[ldata.read_tail++ % N_TTY_BUF_SIZE];
	local_irq_restore(flags);
	return c;
}

/* At most one line; 0 bytes for a line that Ctrl-D ended at once. */
static noinline ssize_t n_tty_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	size_t n = 0;
	long err;

	if (!count)
		return 0;
	err = wait_event_interruptible(ldata.read_wait, READ_ONCE(ldata.canon_head) != ldata.read_tail);
	if (err)
		return err;
	while (n < count) {
		int c = get_tty_queue();

		if (c <= 0)
			break;
		if (copy_to_user(buf + n, &(char) { c }, 1))
			return -EFAULT;
		n++;
		if (c == '\n')
			break;
	}
	return n;
}

static noinline ssize_t n_tty_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char chunk[64];
	size_t done = 0;

	while (done < count) {
		size_t n = min(count - done, sizeof(chunk));

		if (copy_from_user(chunk, buf + done, n))
			return done ? (ssize_t)done : -EFAULT;
		serial8250_write(chunk, n);
		done += n;
	}
	return done;
}

static const struct file_operations console_fops = {
	.read = n_tty_read,
	.write = n_tty_write,
	.llseek = no_llseek,
};

static int __init n_tty_init(void)
{
	register_chrdev(MKDEV(4, 64), "ttyS0", 0600, &console_fops);
	return register_chrdev(MKDEV(5, 1), "console", 0600, &console_fops);
}
core_initcall(n_tty_init);
