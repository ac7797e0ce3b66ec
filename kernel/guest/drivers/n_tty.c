/*
 * The line discipline: between the bytes that come in by interrupt and the program that reads. In canonical mode
 * they are edited, and a reader gets whole lines; else it gets them as they come (Linux: drivers/tty/n_tty.c).
 */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/time.h>
#include <linux/tty.h>

#define BELL		'\a'
#define BACKSPACE	'\b'
#define DEL		0x7f

#define I_FLAG(tty, flag) ((tty)->termios.c_iflag & (flag))
#define O_FLAG(tty, flag) ((tty)->termios.c_oflag & (flag))
#define L_FLAG(tty, flag) ((tty)->termios.c_lflag & (flag))

/* Is c the control character that the terminal has for that purpose? */
static bool is_control(const struct tty_struct *tty, u8 c, int which)
{
	return c != _POSIX_VDISABLE && tty->termios.c_cc[which] == c;
}

static void put_processed(struct tty_struct *tty, u8 c)
{
	if (O_FLAG(tty, OPOST) && O_FLAG(tty, ONLCR) && c == '\n')
		tty_put_char(tty, '\r');
	tty_put_char(tty, O_FLAG(tty, OPOST) && O_FLAG(tty, OCRNL) && c == '\r' ? '\n' : c);
}

static bool shown_with_caret(const struct tty_struct *tty, u8 c)
{
	return L_FLAG(tty, ECHOCTL) && (c < ' ' || c == DEL) && c != '\t' && c != '\n';
}

static void echo_char(struct tty_struct *tty, u8 c)
{
	if (shown_with_caret(tty, c)) {
		tty_put_char(tty, '^');
		c ^= 0100;
	}
	put_processed(tty, c);
}

static void mark_line_end(struct n_tty_data *ldata, unsigned long n)
{
	ldata->read_flags[n % N_TTY_BUF_SIZE / 64] |= 1UL << n % 64;
}

static bool is_line_end(const struct n_tty_data *ldata, unsigned long n)
{
	return ldata->read_flags[n % N_TTY_BUF_SIZE / 64] & 1UL << n % 64;
}

static void put_tty_queue(struct n_tty_data *ldata, u8 c)
{
	unsigned long n = ldata->read_head++;

	ldata->read_buf[n % N_TTY_BUF_SIZE] = c;
	ldata->read_flags[n % N_TTY_BUF_SIZE / 64] &= ~(1UL << n % 64);
}

/* The last place is kept for the line's end. */
static bool is_full(const struct n_tty_data *ldata, unsigned long reserve)
{
	return ldata->read_head - ldata->read_tail >= N_TTY_BUF_SIZE - reserve;
}

void n_tty_flush_buffer(struct tty_struct *tty)
{
	struct n_tty_data *ldata = &tty->disc_data;

	ldata->read_tail = ldata->canon_head = ldata->read_head;
	ldata->lnext = false;
}

/* What was typed under the other mode is one line, or none, under the new one. Interrupts off. */
void n_tty_set_termios(struct tty_struct *tty, const struct ktermios *old)
{
	struct n_tty_data *ldata = &tty->disc_data;

	if (!((old->c_lflag ^ tty->termios.c_lflag) & ICANON))
		return;
	ldata->canon_head = ldata->read_tail;
	if (L_FLAG(tty, ICANON) && ldata->read_head != ldata->read_tail) {
		memset(ldata->read_flags, 0, sizeof(ldata->read_flags));
		mark_line_end(ldata, ldata->read_head - 1);
		ldata->canon_head = ldata->read_head;
	}
	wake_up(&tty->read_wait);
}

/* The line is whole: whoever waits may have it. */
static void end_line(struct tty_struct *tty, u8 c)
{
	struct n_tty_data *ldata = &tty->disc_data;

	put_tty_queue(ldata, c);
	mark_line_end(ldata, ldata->read_head - 1);
	ldata->canon_head = ldata->read_head;
	wake_up(&tty->read_wait);
}

static void erase_char(struct tty_struct *tty)
{
	struct n_tty_data *ldata = &tty->disc_data;
	u8 c = ldata->read_buf[(ldata->read_head - 1) % N_TTY_BUF_SIZE];
	int columns = shown_with_caret(tty, c) ? 2 : 1;

	ldata->read_head--;
	while (L_FLAG(tty, ECHO) && columns--) {
		tty_put_char(tty, '\b');
		tty_put_char(tty, ' ');
		tty_put_char(tty, '\b');
	}
}

static bool line_is_empty(const struct n_tty_data *ldata)
{
	return ldata->read_head == ldata->canon_head;
}

static u8 last_char(const struct n_tty_data *ldata)
{
	return ldata->read_buf[(ldata->read_head - 1) % N_TTY_BUF_SIZE];
}

/* The blanks at the line's end, and the word before them. */
static void erase_word(struct tty_struct *tty)
{
	struct n_tty_data *ldata = &tty->disc_data;

	while (!line_is_empty(ldata) && last_char(ldata) == ' ')
		erase_char(tty);
	while (!line_is_empty(ldata) && last_char(ldata) != ' ')
		erase_char(tty);
}

static void reprint(struct tty_struct *tty)
{
	const struct n_tty_data *ldata = &tty->disc_data;
	unsigned long n;

	echo_char(tty, tty->termios.c_cc[VREPRINT]);
	put_processed(tty, '\n');
	for (n = ldata->canon_head; n != ldata->read_head; n++)
		echo_char(tty, ldata->read_buf[n % N_TTY_BUF_SIZE]);
}

static void insert_char(struct tty_struct *tty, u8 c)
{
	struct n_tty_data *ldata = &tty->disc_data;

	if (is_full(ldata, 1)) {
		tty_put_char(tty, BELL);
		return;
	}
	if (L_FLAG(tty, ECHO))
		echo_char(tty, c);
	put_tty_queue(ldata, c);
	if (!L_FLAG(tty, ICANON))
		wake_up(&tty->read_wait);
}

/* Editing in canonical mode; false: c is text. */
static bool receive_canon(struct tty_struct *tty, u8 c)
{
	struct n_tty_data *ldata = &tty->disc_data;

	if (is_control(tty, c, VERASE) || c == BACKSPACE) {
		if (!line_is_empty(ldata))
			erase_char(tty);
	} else if (is_control(tty, c, VKILL)) {
		while (!line_is_empty(ldata))
			erase_char(tty);
	} else if (is_control(tty, c, VWERASE)) {
		erase_word(tty);
	} else if (is_control(tty, c, VREPRINT)) {
		reprint(tty);
	} else if (is_control(tty, c, VLNEXT)) {
		ldata->lnext = true;
	} else if (is_control(tty, c, VEOF)) {
		if (!is_full(ldata, 0))
			end_line(tty, '\0');
	} else if (c == '\n' || is_control(tty, c, VEOL) || is_control(tty, c, VEOL2)) {
		if (is_full(ldata, 0))
			return true;
		if (L_FLAG(tty, ECHO) || (c == '\n' && L_FLAG(tty, ECHONL)))
			echo_char(tty, c);
		end_line(tty, c);
	} else {
		return false;
	}
	return true;
}

/* Ctrl-C, Ctrl-\ and Ctrl-Z; false: c is none of them. */
static bool receive_signal(struct tty_struct *tty, u8 c)
{
	static const struct { int which, sig; } signals[] = {
		{ VINTR, SIGINT }, { VQUIT, SIGQUIT }, { VSUSP, SIGTSTP },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		if (!is_control(tty, c, signals[i].which))
			continue;
		if (!L_FLAG(tty, NOFLSH))
			n_tty_flush_buffer(tty);
		if (L_FLAG(tty, ECHO))
			echo_char(tty, c);
		isig(signals[i].sig, tty);
		return true;
	}
	return false;
}

/* Ctrl-S and Ctrl-Q; false: c is neither. */
static bool receive_flow(struct tty_struct *tty, u8 c)
{
	if (!is_control(tty, c, VSTART) && !is_control(tty, c, VSTOP))
		return false;
	tty->flow_stopped = is_control(tty, c, VSTOP);
	wake_up(&tty->write_wait);
	return true;
}

/* Called for every byte that comes in, by a softirq: no task of this processor runs meanwhile. */
noinline void n_tty_receive_char(struct tty_struct *tty, u8 c)
{
	if (tty->disc_data.lnext) {
		tty->disc_data.lnext = false;
		insert_char(tty, c);
		return;
	}
	if (I_FLAG(tty, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(tty, IXON) && receive_flow(tty, c))
		return;
	if (L_FLAG(tty, ISIG) && receive_signal(tty, c))
		return;
	if (c == '\r' && I_FLAG(tty, IGNCR))
		return;
	if (c == '\r' && I_FLAG(tty, ICRNL))
		c = '\n';
	else if (c == '\n' && I_FLAG(tty, INLCR))
		c = '\r';
	if (!L_FLAG(tty, ICANON) || !receive_canon(tty, c))
		insert_char(tty, c);
}

size_t n_tty_chars_in_buffer(const struct tty_struct *tty)
{
	const struct n_tty_data *ldata = &tty->disc_data;

	return (L_FLAG(tty, ICANON) ? READ_ONCE(ldata->canon_head) : READ_ONCE(ldata->read_head)) - ldata->read_tail;
}

unsigned int n_tty_poll(struct tty_struct *tty, struct file *file, struct poll_table_struct *wait)
{
	size_t wanted = L_FLAG(tty, ICANON) || !tty->termios.c_cc[VMIN] ? 1 : tty->termios.c_cc[VMIN];
	unsigned int mask = 0;

	poll_wait(file, &tty->read_wait, wait);
	poll_wait(file, &tty->write_wait, wait);
	if (n_tty_chars_in_buffer(tty) >= wanted)
		mask |= POLLIN | POLLRDNORM;
	if (!tty->flow_stopped)
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

/* Until so many bytes, or a line, are there: 0, also if the time (ticks) is over first, or -ERESTARTSYS. */
static long wait_for_input(struct tty_struct *tty, size_t wanted, long timeout)
{
	DEFINE_WAIT(wait);
	long err = 0;

	for (;;) {
		prepare_to_wait(&tty->read_wait, &wait, TASK_INTERRUPTIBLE);
		if (n_tty_chars_in_buffer(tty) >= wanted || !timeout)
			break;
		err = signal_ends_wait(TASK_INTERRUPTIBLE);
		if (err)
			break;
		timeout = schedule_timeout(timeout);
	}
	finish_wait(&wait);
	return err;
}

/* Without lines, VMIN and VTIME say when a reader has enough; VTIME counts tenths of a second (POSIX, 11.1.7). */
static long wait_noncanon(struct tty_struct *tty, size_t count)
{
	size_t min = min((size_t)tty->termios.c_cc[VMIN], count);
	long ticks = tty->termios.c_cc[VTIME] * HZ / 10, err;

	if (!min)
		return wait_for_input(tty, 1, ticks);
	if (!ticks)
		return wait_for_input(tty, min, MAX_SCHEDULE_TIMEOUT);
	err = wait_for_input(tty, 1, MAX_SCHEDULE_TIMEOUT);
	while (!err && n_tty_chars_in_buffer(tty) < min) {
		size_t before = n_tty_chars_in_buffer(tty);

		err = wait_for_input(tty, before + 1, ticks);
		if (n_tty_chars_in_buffer(tty) == before)
			break;
	}
	return err;
}

/* The next byte for a reader, -1 for none; *ends tells that its line ends with it. */
static int get_tty_queue(struct tty_struct *tty, bool *ends)
{
	struct n_tty_data *ldata = &tty->disc_data;
	unsigned long flags = local_irq_save();
	int c = -1;

	*ends = false;
	if (n_tty_chars_in_buffer(tty)) {
		*ends = L_FLAG(tty, ICANON) && is_line_end(ldata, ldata->read_tail);
		c = (u8)ldata->read_buf[ldata->read_tail++ % N_TTY_BUF_SIZE];
	}
	local_irq_restore(flags);
	return c;
}

/* What there is, one line at most; a line's end of 0 is Ctrl-D's, and not read. */
static ssize_t copy_out(struct tty_struct *tty, char __user *buf, size_t count)
{
	bool ends = false;
	size_t n = 0;

	while (n < count && !ends) {
		int c = get_tty_queue(tty, &ends);

		if (c < 0 || (!c && ends))
			break;
		if (put_user((char)c, buf + n))
			return -EFAULT;
		n++;
	}
	return n;
}

noinline ssize_t n_tty_read(struct tty_struct *tty, struct file *file, char __user *buf, size_t count)
{
	long err = tty_check_change(tty, SIGTTIN);

	if (err || !count)
		return err;
	if (file->f_flags & O_NONBLOCK)
		return n_tty_chars_in_buffer(tty) ? copy_out(tty, buf, count) : -EAGAIN;
	err = L_FLAG(tty, ICANON) ? wait_for_input(tty, 1, MAX_SCHEDULE_TIMEOUT) : wait_noncanon(tty, count);
	return err ? err : copy_out(tty, buf, count);
}

noinline ssize_t n_tty_write(struct tty_struct *tty, const char __user *buf, size_t count)
{
	long err = L_FLAG(tty, TOSTOP) ? tty_check_change(tty, SIGTTOU) : 0;
	char chunk[64];
	size_t done = 0, i;

	while (!err && done < count) {
		size_t n = min(count - done, sizeof(chunk));

		err = wait_event_interruptible(tty->write_wait, !READ_ONCE(tty->flow_stopped));
		if (!err && copy_from_user(chunk, buf + done, n))
			err = -EFAULT;
		for (i = 0; !err && i < n; i++)
			put_processed(tty, chunk[i]);
		done += err ? 0 : n;
	}
	return done ? (ssize_t)done : err;
}
