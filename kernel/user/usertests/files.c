/* Tests of files: the initramfs, devices, and descriptors. */
#include "usertests.h"

#include <string.h>
#include <unistd.h>

static int read_file(void)
{
	char buf[16];
	int fd = open("/etc/motd", O_RDONLY, 0);

	CHECK(fd >= 0);
	CHECK(read(fd, buf, 5) == 5 && !memcmp(buf, "Files", 5));
	CHECK(read(fd, buf, 6) == 6 && !memcmp(buf, " below", 6));
	CHECK(lseek(fd, -1, SEEK_END) > 0 && read(fd, buf, 16) == 1 && buf[0] == '\n');
	CHECK(read(fd, buf, 16) == 0);
	CHECK(lseek(fd, 1000000, SEEK_SET) == 1000000 && read(fd, buf, 16) == 0);
	CHECK(lseek(fd, -1, SEEK_SET) == -EINVAL && lseek(fd, 0, 9) == -EINVAL);
	CHECK(lseek(fd, 0x7fffffffffffffff, SEEK_CUR) == -EINVAL);
	CHECK(close(fd) == 0 && close(fd) == -EBADF && read(fd, buf, 1) == -EBADF);
	return 0;
}

static int open_errors(void)
{
	CHECK(open("/etc/nothing", O_RDONLY, 0) == -ENOENT);
	CHECK(open("/etc/motd/x", O_RDONLY, 0) == -ENOTDIR);
	CHECK(open("/etc/nothing/new", O_WRONLY | O_CREAT, 0644) == -ENOENT);
	CHECK(open("/etc", O_WRONLY, 0) == -EISDIR);
	CHECK(open("/etc/../bin/./../etc//motd", O_RDONLY, 0) >= 0);
	CHECK(open("../../etc/motd", O_RDONLY, 0) >= 0);
	return 0;
}

static int wrong_way(void)
{
	char c;
	int directory = open("/etc", O_RDONLY, 0), null = open("/dev/null", O_WRONLY, 0);
	int motd = open("/etc/motd", O_RDONLY, 0);

	CHECK(read(directory, &c, 1) == -EISDIR);
	CHECK(read(null, &c, 1) == -EBADF);
	CHECK(write(motd, "x", 1) == -EBADF);
	CHECK(lseek(null, 0, SEEK_SET) == 0 && lseek(STDOUT_FILENO, 0, SEEK_SET) == -ESPIPE);
	CHECK(write(99, "x", 1) == -EBADF && write(-1, "x", 1) == -EBADF);
	return 0;
}

static int devices(void)
{
	char buf[16];
	int null = open("/dev/null", O_RDWR, 0), zero = open("/dev/zero", O_RDONLY, 0);

	memset(buf, 'x', sizeof(buf));
	CHECK(write(null, buf, 16) == 16 && read(null, buf, 16) == 0 && buf[0] == 'x');
	CHECK(read(zero, buf, 16) == 16 && buf[0] == 0 && buf[15] == 0);
	CHECK(read(zero, (char *)8, 16) == -EFAULT);
	return 0;
}

static int descriptors(void)
{
	int fd = open("/dev/null", O_RDWR, 0), copy = dup(fd), last = copy, next;

	CHECK(fd >= 0 && copy > fd && dup(1000) == -EBADF);
	CHECK(close(fd) == 0 && write(copy, "x", 1) == 1);
	CHECK(dup(copy) == fd);
	while ((next = dup(copy)) >= 0)
		last = next;
	CHECK(next == -EMFILE && last > 20);
	CHECK(open("/dev/null", O_RDWR, 0) == -EMFILE);
	CHECK(close(last) == 0 && open("/dev/null", O_RDWR, 0) == last);
	return 0;
}

/* Parent and child share the position of an inherited file. */
static int shared_position(void)
{
	char buf[8];
	int status, fd = open("/etc/motd", O_RDONLY, 0);
	pid_t pid = fork();

	if (pid == 0)
		return read(fd, buf, 5) == 5 ? 0 : 1;
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	CHECK(read(fd, buf, 6) == 6 && !memcmp(buf, " below", 6));
	return 0;
}

static int directory(void)
{
	char buf[64];
	bool saw_motd = false;
	int fd = open("/etc", O_RDONLY, 0);
	long n, at;

	while ((n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += ((struct linux_dirent64 *)(buf + at))->d_reclen)
			saw_motd |= !strcmp(((struct linux_dirent64 *)(buf + at))->d_name, "motd");
	}
	CHECK(n == 0 && saw_motd);
	fd = open("/etc", O_RDONLY, 0);
	CHECK(getdents64(fd, buf, 8) == -EINVAL);
	CHECK(getdents64(fd, (void *)8, 64) == -EFAULT);
	CHECK(getdents64(open("/etc/motd", O_RDONLY, 0), buf, 64) == -ENOTDIR);
	return 0;
}

static int uname_says_linux(void)
{
	struct new_utsname name;

	CHECK(uname(&name) == 0 && !strcmp(name.sysname, "Linux") && !strcmp(name.machine, "x86_64"));
	return 0;
}

static int reboot_is_guarded(void)
{
	CHECK(reboot(1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, NULL) == -EINVAL);
	CHECK(reboot(LINUX_REBOOT_MAGIC1, 2, LINUX_REBOOT_CMD_POWER_OFF, NULL) == -EINVAL);
	CHECK(reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 3, NULL) == -EINVAL);
	return 0;
}

const struct test file_tests[] = {
	{ "read_file", read_file },
	{ "open_errors", open_errors },
	{ "wrong_way", wrong_way },
	{ "devices", devices },
	{ "descriptors", descriptors },
	{ "shared_position", shared_position },
	{ "directory", directory },
	{ "uname_says_linux", uname_says_linux },
	{ "reboot_is_guarded", reboot_is_guarded },
	{ NULL, NULL },
};
