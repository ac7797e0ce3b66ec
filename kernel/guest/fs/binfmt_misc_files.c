/* /proc/sys/fs/binfmt_misc: "register", "status", and a file for each format that was registered. */
#include <asm/uaccess.h>
#include <linux/binfmt_misc.h>
#include <linux/init.h>
#include <linux/string.h>

#define MISC_DIRECTORY "/proc/sys/fs/binfmt_misc/"

static const struct { char letter; unsigned int flag, implied; } flag_letters[] = {
	{ 'P', MISC_FMT_PRESERVE_ARGV0,	0 },
	{ 'O', MISC_FMT_OPEN_BINARY,	0 },
	{ 'C', MISC_FMT_CREDENTIALS,	MISC_FMT_OPEN_BINARY },
	{ 'F', MISC_FMT_OPEN_FILE,	0 },
};

/* The next field of *p, ended in place; NULL if its separator is missing. */
static char *next_field(char **p, char separator)
{
	char *field = *p, *end = strchr(field, separator);

	if (!end)
		return NULL;
	*end = '\0';
	*p = end + 1;
	return field;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes with \xNN escapes to dst; how many, or -EINVAL. */
static int unescape(char *dst, const char *src)
{
	int n;

	for (n = 0; *src; n++) {
		if (n == MISC_MAGIC_MAX)
			return -EINVAL;
		if (src[0] == '\\' && src[1] == 'x' && hex_value(src[2]) >= 0 && hex_value(src[3]) >= 0) {
			dst[n] = hex_value(src[2]) << 4 | hex_value(src[3]);
			src += 4;
		} else {
			dst[n] = *src++;
		}
	}
	return n;
}

static int parse_magic(struct misc_node *e, const char *offset, const char *magic, const char *mask)
{
	char *end = (char *)offset;
	long at = simple_strtol(offset, &end);

	e->size = unescape(e->magic, magic);
	if (*end || at < 0 || e->size <= 0 || at + e->size > BINPRM_BUF_SIZE)
		return -EINVAL;
	e->offset = at;
	e->has_mask = *mask;
	return *mask && unescape(e->mask, mask) != e->size ? -EINVAL : 0;
}

static int parse_extension(struct misc_node *e, const char *extension)
{
	if (!*extension || strchr(extension, '/') || strlen(extension) > MISC_NAME_MAX)
		return -EINVAL;
	strscpy(e->magic, extension, sizeof(e->magic));
	return 0;
}

static int parse_flags(struct misc_node *e, const char *p)
{
	size_t i;

	for (; *p && *p != '\n'; p++) {
		for (i = 0; i < ARRAY_SIZE(flag_letters) && flag_letters[i].letter != *p; i++)
			;
		if (i == ARRAY_SIZE(flag_letters))
			return -EINVAL;
		e->flags |= flag_letters[i].flag | flag_letters[i].implied;
	}
	return !*p || !p[1] ? 0 : -EINVAL;
}

static bool name_is_good(const char *name)
{
	return *name && strlen(name) <= MISC_NAME_MAX && strcmp(name, ".") && strcmp(name, "..") &&
	       strcmp(name, "register") && strcmp(name, "status") && !strchr(name, '/');
}

/* Fill e from a line of the register file. */
static noinline int parse_entry(struct misc_node *e, char *line)
{
	char separator = *line++, *fields[6];
	int i;

	for (i = 0; i < 6; i++) {
		fields[i] = separator ? next_field(&line, separator) : NULL;
		if (!fields[i])
			return -EINVAL;
	}
	if (!name_is_good(fields[0]) || strlen(fields[1]) != 1 || !*fields[5])
		return -EINVAL;
	strscpy(e->name, fields[0], sizeof(e->name));
	if (strlen(fields[5]) >= BINPRM_BUF_SIZE)
		return -EINVAL;
	e->interpreter = kstrdup(fields[5]);
	if (!e->interpreter)
		return -ENOMEM;
	e->enabled = true;
	e->is_magic = *fields[1] == 'M';
	if (!e->is_magic && *fields[1] != 'E')
		return -EINVAL;
	i = e->is_magic ? parse_magic(e, fields[2], fields[3], fields[4]) : parse_extension(e, fields[3]);
	return i ? i : parse_flags(e, line);
}

static ssize_t bm_register_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct misc_node *e;
	char *line;
	int err;

	if (count < 11 || count > MISC_REGISTER_LENGTH)
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	line = kzalloc(count + 1);
	err = !e || !line ? -ENOMEM : copy_from_user(line, buf, count) ? -EFAULT : parse_entry(e, line);
	kfree(line);
	if (err) {
		if (e)
			misc_free_node(e);
		return err;
	}
	err = misc_add(e);
	return err ? err : (ssize_t)count;
}

/* "1", "0" or "-1" with a newline or not: enable, disable, remove. 1, 0, -1, or -EINVAL for anything else. */
static int parse_command(const char __user *buf, size_t count)
{
	char s[4] = { 0 };

	if (!count || count > 3)
		return -EINVAL;
	if (copy_from_user(s, buf, count))
		return -EFAULT;
	if (s[count - 1] == '\n')
		s[count - 1] = '\0';
	if (!strcmp(s, "0") || !strcmp(s, "1"))
		return *s - '0';
	return !strcmp(s, "-1") ? -1 : -EINVAL;
}

/* The part of a file's text that a read asks for. */
static ssize_t read_text(const char *text, char __user *buf, size_t count, loff_t *pos)
{
	size_t length = strlen(text);
	size_t n = (size_t)*pos < length ? min(count, length - (size_t)*pos) : 0;

	if (n && copy_to_user(buf, text + *pos, n))
		return -EFAULT;
	*pos += n;
	return n;
}

static ssize_t bm_status_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return read_text(misc_enabled ? "enabled\n" : "disabled\n", buf, count, pos);
}

static ssize_t bm_status_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	int command = parse_command(buf, count);

	if (command == -1)
		misc_kill_all();
	else if (command >= 0)
		misc_enabled = command;
	return command < -1 ? command : (ssize_t)count;
}

static int print_hex(char *text, size_t size, const char *bytes, int n)
{
	int i, at = 0;

	for (i = 0; i < n; i++)
		at += snprintf(text + at, size - at, "%02x", (u8)bytes[i]);
	return at;
}

static int print_flags(char *text, unsigned int flags)
{
	size_t i;
	int at = 0;

	for (i = 0; i < ARRAY_SIZE(flag_letters); i++)
		if (flags & flag_letters[i].flag)
			text[at++] = flag_letters[i].letter;
	text[at++] = '\n';
	return at;
}

/* What a registered format's file says (Linux: entry_status). */
static void entry_status(const struct misc_node *e, char *text, size_t size)
{
	int at = snprintf(text, size, "%s\ninterpreter %s\nflags: ", e->enabled ? "enabled" : "disabled",
			  e->interpreter);

	at += print_flags(text + at, e->flags);
	if (!e->is_magic) {
		snprintf(text + at, size - at, "extension .%s\n", e->magic);
		return;
	}
	at += snprintf(text + at, size - at, "offset %d\nmagic ", e->offset);
	at += print_hex(text + at, size - at, e->magic, e->size);
	if (e->has_mask) {
		at += snprintf(text + at, size - at, "\nmask ");
		at += print_hex(text + at, size - at, e->mask, e->size);
	}
	snprintf(text + at, size - at, "\n");
}

static ssize_t bm_entry_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	const struct misc_node *e = file->f_inode->i_private;
	size_t size = PAGE_SIZE / 2;
	char *text;
	ssize_t n;

	if (!e)
		return 0;
	text = kzalloc(size);
	if (!text)
		return -ENOMEM;
	entry_status(e, text, size);
	n = read_text(text, buf, count, pos);
	kfree(text);
	return n;
}

static ssize_t bm_entry_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct misc_node *e = file->f_inode->i_private;
	int command = parse_command(buf, count);

	if (!e)
		return -ENOENT;
	if (command == -1)
		misc_kill_node(e);
	else if (command >= 0)
		e->enabled = command;
	return command < -1 ? command : (ssize_t)count;
}

static const struct file_operations bm_register_operations = { .write = bm_register_write };
static const struct file_operations bm_status_operations = { .read = bm_status_read, .write = bm_status_write };
static const struct file_operations bm_entry_operations = { .read = bm_entry_read, .write = bm_entry_write };

int misc_create_file(struct misc_node *e)
{
	char path[sizeof(MISC_DIRECTORY) + MISC_NAME_MAX];

	snprintf(path, sizeof(path), MISC_DIRECTORY "%s", e->name);
	e->dentry = create_pseudo_dentry(path, 0644, &bm_entry_operations);
	if (IS_ERR(e->dentry))
		return PTR_ERR(e->dentry);
	e->dentry->d_inode->i_private = e;
	return 0;
}

/* Descriptors that are open on it find nothing any more. */
void misc_remove_file(struct misc_node *e)
{
	e->dentry->d_inode->i_private = NULL;
	remove_pseudo_dentry(e->dentry);
}

static int __init init_misc_files(void)
{
	int err = create_pseudo_file(MISC_DIRECTORY "register", 0200, &bm_register_operations);

	return err ? err : create_pseudo_file(MISC_DIRECTORY "status", 0644, &bm_status_operations);
}
device_initcall(init_misc_files);
