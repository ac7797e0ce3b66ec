/* List directories; directories within them end in a slash, and names that begin with a dot are left out. */
#include <stdio.h>
#include <unistd.h>

#define DT_DIR 4

static int ls(const char *path)
{
	char buf[512];
	int fd = open(path, O_RDONLY, 0);
	long n = fd, at;

	while (fd >= 0 && (n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n;) {
			struct linux_dirent64 *entry = (struct linux_dirent64 *)(buf + at);

			if (entry->d_name[0] != '.')
				printf("%s%s\n", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
			at += entry->d_reclen;
		}
	}
	if (n < 0)
		printf("ls: cannot list %s (error %ld)\n", path, n);
	close(fd);
	return n < 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2)
		return ls("/");
	while (*++argv)
		failed |= ls(*argv);
	return failed;
}
