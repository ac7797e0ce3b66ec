/* The old way into the kernel, from ring 3: i386's numbers and registers, 32 bits of each. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static long int80(long nr, long ebx, long ecx, long edx)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(ebx), "c"(ecx), "d"(edx) : "memory");
	return ret;
}

int main(void)
{
	/* Below 4 GiB, as the program's own data is and its stack is not. */
	static const char text[] = "int80: written by write, number 4\n";
	long n = int80(__NR_ia32_write, STDOUT_FILENO, (long)text, sizeof(text) - 1);

	printf("int80: pid %ld, and %ld by syscall\n", int80(__NR_ia32_getpid, 0, 0, 0), getpid());
	return n != sizeof(text) - 1;
}
