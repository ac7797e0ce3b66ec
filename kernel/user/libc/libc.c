/* What programs need besides the system calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char **environ;

const char *getenv(const char *name)
{
	size_t length = strlen(name);
	char **entry;

	for (entry = environ; *entry; entry++)
		if (!strncmp(*entry, name, length) && (*entry)[length] == '=')
			return *entry + length + 1;
	return NULL;
}

static int vdprintf(int fd, const char *fmt, __builtin_va_list args)
{
	char line[512];
	int n = vsnprintf(line, sizeof(line), fmt, args);

	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	return write(fd, line, n);
}

int dprintf(int fd, const char *fmt, ...)
{
	__builtin_va_list args;
	int n;

	__builtin_va_start(args, fmt);
	n = vdprintf(fd, fmt, args);
	__builtin_va_end(args);
	return n;
}

int printf(const char *fmt, ...)
{
	__builtin_va_list args;
	int n;

	__builtin_va_start(args, fmt);
	n = vdprintf(STDOUT_FILENO, fmt, args);
	__builtin_va_end(args);
	return n;
}
