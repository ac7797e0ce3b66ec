/*
 * The kernel's own symbols (Linux: kernel/kallsyms.c). The build links the kernel without them, reads its symbol table,
 * and links it again with the table that kernel/kallsyms.py makes of it.
 */
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

extern const u32 kallsyms_offsets[];		/* of each symbol from the base, in rising order */
extern const unsigned long kallsyms_relative_base;
extern const u32 kallsyms_num_syms;
extern const u8 kallsyms_names[];		/* of each: how many tokens, and the tokens */
extern const u32 kallsyms_markers[];		/* where in kallsyms_names every 256th begins */
extern const char kallsyms_token_table[];	/* the tokens' strings */
extern const u16 kallsyms_token_index[];	/* where in it each begins */

static unsigned long kallsyms_sym_address(u32 idx)
{
	return kallsyms_relative_base + kallsyms_offsets[idx];
}

/* The name at off, without its letter, into result of KSYM_NAME_LEN bytes; where the next name is. */
static unsigned int kallsyms_expand_symbol(unsigned int off, char *type, char *result)
{
	unsigned int len = kallsyms_names[off], i;
	size_t n = 0;
	bool first = true;

	for (i = 0; i < len; i++) {
		const char *token = &kallsyms_token_table[kallsyms_token_index[kallsyms_names[off + 1 + i]]];

		for (; *token; token++) {
			if (first)
				*type = *token;
			else if (n < KSYM_NAME_LEN - 1)
				result[n++] = *token;
			first = false;
		}
	}
	result[n] = '\0';
	return off + 1 + len;
}

static unsigned int get_symbol_offset(u32 idx)
{
	unsigned int off = kallsyms_markers[idx >> 8], i;

	for (i = 0; i < (idx & 0xff); i++)
		off += 1 + kallsyms_names[off];
	return off;
}

/* The last symbol at or below an address that is not below the first. */
static u32 get_symbol_pos(unsigned long addr)
{
	u32 low = 0, high = kallsyms_num_syms;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (kallsyms_sym_address(mid) <= addr)
			low = mid;
		else
			high = mid;
	}
	/* Of several names the first. */
	while (low && kallsyms_sym_address(low - 1) == kallsyms_sym_address(low))
		low--;
	return low;
}

bool kallsyms_lookup(unsigned long addr, unsigned long *symbolsize, unsigned long *offset, char *namebuf)
{
	unsigned long start, end = (unsigned long)_end;
	u32 pos, next;
	char type;

	if (!kallsyms_num_syms || addr < kallsyms_sym_address(0) || addr >= end)
		return false;
	pos = get_symbol_pos(addr);
	start = kallsyms_sym_address(pos);
	for (next = pos; next < kallsyms_num_syms; next++)
		if (kallsyms_sym_address(next) > start) {
			end = kallsyms_sym_address(next);
			break;
		}
	*symbolsize = end - start;
	*offset = addr - start;
	kallsyms_expand_symbol(get_symbol_offset(pos), &type, namebuf);
	return true;
}

noinline unsigned long kallsyms_lookup_name(const char *name)
{
	char namebuf[KSYM_NAME_LEN], type;
	unsigned int off = 0;
	u32 i;

	for (i = 0; i < kallsyms_num_syms; i++) {
		off = kallsyms_expand_symbol(off, &type, namebuf);
		if (!strcmp(namebuf, name))
			return kallsyms_sym_address(i);
	}
	return 0;
}

int sprint_symbol(char *buf, unsigned long address)
{
	unsigned long size, offset;
	char name[KSYM_NAME_LEN];

	if (!kallsyms_lookup(address, &size, &offset, name))
		return snprintf(buf, KSYM_SYMBOL_LEN, "%#lx", address);
	return snprintf(buf, KSYM_SYMBOL_LEN, "%s+%#lx/%#lx", name, offset, size);
}

/* How far one has read /proc/kallsyms. */
struct kallsym_iter {
	loff_t pos;			/* of the file, behind what of line was taken */
	u32 nr;				/* the next symbol, */
	unsigned int nameoff;		/* and where its name is */
	bool show_value;
	size_t taken, length;		/* of line */
	char line[KSYM_SYMBOL_LEN];
};

/* Addresses are root's alone: to others they would tell where to attack (Linux: kptr_restrict). */
static int kallsyms_open(struct inode *inode, struct file *file)
{
	struct kallsym_iter *iter = kzalloc(sizeof(*iter));

	if (!iter)
		return -ENOMEM;
	iter->show_value = current_cred()->euid == GLOBAL_ROOT_UID;
	file->private_data = iter;
	return 0;
}

static void kallsyms_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
}

static bool next_line(struct kallsym_iter *iter)
{
	char name[KSYM_NAME_LEN], type;

	if (iter->nr == kallsyms_num_syms)
		return false;
	iter->nameoff = kallsyms_expand_symbol(iter->nameoff, &type, name);
	iter->length = snprintf(iter->line, sizeof(iter->line), "%016lx %c %s\n",
				iter->show_value ? kallsyms_sym_address(iter->nr) : 0, type, name);
	iter->taken = 0;
	iter->nr++;
	return true;
}

/* Up to count bytes of the text, or past them if there is no buffer. */
static ssize_t take_text(struct kallsym_iter *iter, char __user *buf, size_t count)
{
	size_t done = 0, n;

	for (; done < count; done += n) {
		if (iter->taken == iter->length && !next_line(iter))
			break;
		n = min(count - done, iter->length - iter->taken);
		if (buf && copy_to_user(buf + done, iter->line + iter->taken, n))
			return done ? (ssize_t)done : -EFAULT;
		iter->taken += n;
		iter->pos += n;
	}
	return done;
}

static ssize_t kallsyms_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct kallsym_iter *iter = file->private_data;
	ssize_t n;

	if (*pos < iter->pos)
		*iter = (struct kallsym_iter) { .show_value = iter->show_value };
	if (*pos > iter->pos)
		take_text(iter, NULL, *pos - iter->pos);
	n = *pos == iter->pos ? take_text(iter, buf, count) : 0;
	if (n > 0)
		*pos += n;
	return n;
}

static const struct file_operations kallsyms_proc_ops = {
	.open = kallsyms_open,
	.release = kallsyms_release,
	.read = kallsyms_read,
	.llseek = generic_file_llseek,
};

static int __init kallsyms_init(void)
{
	return create_pseudo_file("/proc/kallsyms", 0444, &kallsyms_proc_ops);
}
device_initcall(kallsyms_init);
