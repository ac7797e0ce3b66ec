/* Strings and memory. The compiler calls the first four by itself, so they must not be built from themselves. */
#include <linux/kernel.h>
#include <linux/string.h>

void *memcpy(void *dest, const void *src, size_t count)
{
	size_t words = count / 8, bytes = count % 8;
	void *to = dest;

	asm volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words) : : "memory");
	asm volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(bytes) : : "memory");
	return dest;
}

void *memset(void *s, int c, size_t count)
{
	u64 pattern = (u8)c * 0x0101010101010101UL;
	size_t words = count / 8, bytes = count % 8;
	void *to = s;

	asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
	asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(pattern) : "memory");
	return s;
}

void *memmove(void *dest, const void *src, size_t count)
{
	char *to = (char *)dest + count;
	const char *from = (const char *)src + count;

	if (dest <= src || (const char *)src + count <= (char *)dest)
		return memcpy(dest, src, count);
	while (count--)
		*(volatile char *)--to = *--from;
	return dest;
}

int memcmp(const void *cs, const void *ct, size_t count)
{
	const u8 *a = cs, *b = ct;

	for (; count; a++, b++, count--)
		if (*a != *b)
			return *a - *b;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (READ_ONCE(s[n]))
		n++;
	return n;
}

size_t strnlen(const char *s, size_t count)
{
	size_t n = 0;

	while (n < count && s[n])
		n++;
	return n;
}

int strcmp(const char *cs, const char *ct)
{
	while (*cs && *cs == *ct) {
		cs++;
		ct++;
	}
	return (u8)*cs - (u8)*ct;
}

int strncmp(const char *cs, const char *ct, size_t count)
{
	while (count && *cs && *cs == *ct) {
		cs++;
		ct++;
		count--;
	}
	return count ? (u8)*cs - (u8)*ct : 0;
}

char *strrchr(const char *s, int c)
{
	char *found = NULL;

	for (; *s; s++)
		if (*s == c)
			found = (char *)s;
	return found;
}

char *strchr(const char *s, int c)
{
	while (*s != (char)c)
		if (!*s++)
			return NULL;
	return (char *)s;
}

ssize_t strscpy(char *dest, const char *src, size_t size)
{
	size_t n = strnlen(src, size);
	bool cut = n == size;

	if (!size)
		return -E2BIG;
	n -= cut;
	memcpy(dest, src, n);
	dest[n] = '\0';
	return cut ? -E2BIG : (ssize_t)n;
}

/* What follows the last slash. */
const char *kbasename(const char *path)
{
	const char *base = path;

	for (; *path; path++)
		if (*path == '/')
			base = path + 1;
	return base;
}

char *strstr(const char *haystack, const char *needle)
{
	size_t length = strlen(needle);

	for (; *haystack; haystack++)
		if (!strncmp(haystack, needle, length))
			return (char *)haystack;
	return NULL;
}
