/* Files whose text is made when they are read, as those of /proc (Linux's fs/seq_file.c). */
#include <asm/uaccess.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/string.h>

void seq_write(struct seq_file *m, const void *data, size_t len)
{
	loff_t end = m->from + (loff_t)m->size;
	loff_t first = max(m->position, m->from), last = min(m->position + (loff_t)len, end);

	if (first < last)
		memcpy(m->buf + (first - m->from), (const char *)data + (first - m->position), last - first);
	m->position += len;
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_write(m, s, strlen(s));
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	char line[SEQ_LINE_MAX];
	__builtin_va_list args;
	int length;

	__builtin_va_start(args, fmt);
	length = vsnprintf(line, sizeof(line), fmt, args);
	__builtin_va_end(args);
	seq_write(m, line, min((size_t)length, sizeof(line) - 1));
}

ssize_t single_read(int (*show)(struct seq_file *m), void *private, char __user *buf, size_t count, loff_t *pos)
{
	struct seq_file m = { .size = min(count, PAGE_SIZE), .from = *pos, .private = private };
	ssize_t ret;

	m.buf = get_zeroed_page();
	if (!m.buf)
		return -ENOMEM;
	ret = show(&m);
	if (!ret && m.position > m.from) {
		ret = min(m.position - m.from, (loff_t)m.size);
		if (copy_to_user(buf, m.buf, ret))
			ret = -EFAULT;
		else
			*pos += ret;
	}
	free_page(m.buf);
	return ret;
}
