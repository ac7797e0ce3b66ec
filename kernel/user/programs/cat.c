/* Print files. */
#include <stdio.h>
#include <unistd.h>

static int cat(const char *path)
{
	char buf[256];
	int fd = open(path, O_RDONLY, 0);
	long n;

	if (fd < 0) {
		printf("cat: cannot open %s (error %d)\n", path, fd);
		return 1;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		write(STDOUT_FILENO, buf, n);
	close(fd);
	return n < 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	while (*++argv)
		failed |= cat(*argv);
	return failed;
}
