/* What the compiler calls by itself. */
#include <linux/string.h>

void *memcpy(void *dest, const void *src, size_t count)
{
	void *to = dest;

	asm volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(count) : : "memory");
	return dest;
}

void *memset(void *s, int c, size_t count)
{
	void *to = s;

	asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(c) : "memory");
	return s;
}
