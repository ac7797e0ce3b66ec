/* printf's formats, as far as the kernel uses them: c s d i u x p %, with flags, width and precision. */
#include <linux/kernel.h>
#include <linux/string.h>

enum { FLAG_LEFT = 1, FLAG_ZERO = 2, FLAG_ALTERNATE = 4, FLAG_SIGNED = 8 };

struct printf_spec {
	unsigned int flags;
	int width;
	int precision;			/* -1: none given */
	int longs;			/* how many 'l', or 1 for 'z' */
	unsigned int base;
};

/* Where the text goes; position counts what would have been written too. */
struct output {
	char *buf;
	size_t size;
	size_t position;
};

static void put(struct output *out, char c)
{
	if (out->position + 1 < out->size)
		out->buf[out->position] = c;
	out->position++;
}

static void pad(struct output *out, char c, int count)
{
	while (count-- > 0)
		put(out, c);
}

static void put_string(struct output *out, const char *s, const struct printf_spec *spec)
{
	int length = strnlen(s, spec->precision < 0 ? (size_t)-1 >> 1 : (size_t)spec->precision);
	int padding = spec->width - length;

	if (!(spec->flags & FLAG_LEFT))
		pad(out, ' ', padding);
	while (length--)
		put(out, *s++);
	if (spec->flags & FLAG_LEFT)
		pad(out, ' ', padding);
}

static const char *prefix_of(const struct printf_spec *spec, bool negative)
{
	if (negative)
		return "-";
	return spec->flags & FLAG_ALTERNATE && spec->base == 16 ? "0x" : "";
}

static void put_number(struct output *out, unsigned long value, const struct printf_spec *spec)
{
	bool negative = spec->flags & FLAG_SIGNED && (long)value < 0;
	const char *prefix = prefix_of(spec, negative);
	char digits[24];
	int n = 0, padding;

	if (negative)
		value = -value;
	do {
		digits[n++] = "0123456789abcdef"[value % spec->base];
		value /= spec->base;
	} while (value);
	padding = spec->width - n - (int)strlen(prefix);
	if (!(spec->flags & (FLAG_LEFT | FLAG_ZERO)))
		pad(out, ' ', padding);
	while (*prefix)
		put(out, *prefix++);
	if (spec->flags & FLAG_ZERO)
		pad(out, '0', padding);
	while (n)
		put(out, digits[--n]);
	if (spec->flags & FLAG_LEFT)
		pad(out, ' ', padding);
}

static unsigned int flag_of(char c)
{
	switch (c) {
	case '-':
		return FLAG_LEFT;
	case '0':
		return FLAG_ZERO;
	case '#':
		return FLAG_ALTERNATE;
	default:
		return 0;
	}
}

static int read_number(const char **fmt)
{
	int n = 0;

	while (**fmt >= '0' && **fmt <= '9')
		n = n * 10 + *(*fmt)++ - '0';
	return n;
}

/* Read flags, width, precision and size; *fmt is left at the conversion's letter. */
static struct printf_spec read_spec(const char **fmt)
{
	struct printf_spec spec = { .precision = -1, .base = 10 };
	unsigned int flag;

	while ((flag = flag_of(**fmt))) {
		spec.flags |= flag;
		(*fmt)++;
	}
	spec.width = read_number(fmt);
	if (**fmt == '.') {
		(*fmt)++;
		spec.precision = read_number(fmt);
	}
	for (; **fmt == 'l' || **fmt == 'z'; (*fmt)++)
		spec.longs++;
	return spec;
}

/* All integers travel as unsigned long; a short signed one must be widened with its sign. */
static unsigned long widen(unsigned long value, const struct printf_spec *spec)
{
	if (spec->longs)
		return value;
	return spec->flags & FLAG_SIGNED ? (unsigned long)(long)(int)value : (unsigned int)value;
}

#define va_arg __builtin_va_arg

/* The text's length had there been room, without the terminator, which is always written if size is not 0. */
int vsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list args)
{
	struct output out = { buf, size, 0 };

	while (*fmt) {
		struct printf_spec spec;

		if (*fmt != '%') {
			put(&out, *fmt++);
			continue;
		}
		fmt++;
		spec = read_spec(&fmt);
		switch (*fmt++) {
		case 'c':
			put(&out, va_arg(args, int));
			break;
		case 's':
			put_string(&out, va_arg(args, const char *), &spec);
			break;
		case 'd':
		case 'i':
			spec.flags |= FLAG_SIGNED;
			put_number(&out, widen(spec.longs ? va_arg(args, unsigned long) :
					       va_arg(args, unsigned int), &spec), &spec);
			break;
		case 'x':
			spec.base = 16;
			__attribute__((__fallthrough__));
		case 'u':
			put_number(&out, widen(spec.longs ? va_arg(args, unsigned long) :
					       va_arg(args, unsigned int), &spec), &spec);
			break;
		case 'p':
			spec = (struct printf_spec) { .flags = FLAG_ZERO, .width = 16, .base = 16 };
			put_number(&out, va_arg(args, unsigned long), &spec);
			break;
		default:
			put(&out, fmt[-1]);
		}
	}
	if (size)
		buf[out.position < size ? out.position : size - 1] = '\0';
	return out.position;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	__builtin_va_list args;
	int n;

	__builtin_va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	__builtin_va_end(args);
	return n;
}

/* Decimal, with a sign or not; *endp is left behind the last digit. */
long simple_strtol(const char *cp, char **endp)
{
	bool negative = *cp == '-';
	long value = 0;

	for (cp += negative; *cp >= '0' && *cp <= '9'; cp++)
		value = value * 10 + *cp - '0';
	if (endp)
		*endp = (char *)cp;
	return negative ? -value : value;
}

/* A size as boot parameters have it: a number with K, M or G behind (Linux: lib/cmdline.c). */
unsigned long memparse(const char *ptr, char **retptr)
{
	unsigned long value = simple_strtol(ptr, retptr);

	switch (**retptr) {
	case 'G':
		value <<= 10;
		/* fall through */
	case 'M':
		value <<= 10;
		/* fall through */
	case 'K':
		value <<= 10;
		(*retptr)++;
	}
	return value;
}
