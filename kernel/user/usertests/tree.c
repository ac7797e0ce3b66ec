/* Tests of the tree of names: what is made, changed and removed in it. Each test has its own directory of /tmp. */
#include "usertests.h"

#include <string.h>
#include <unistd.h>

static const char *enter(const char *directory)
{
	mkdir("/tmp", 0777);
	mkdir(directory, 0777);
	return chdir(directory) == 0 ? directory : NULL;
}

static int make(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	long n = write(fd, text, strlen(text));

	return close(fd) == 0 && n == (long)strlen(text) ? 0 : -1;
}

static bool holds(const char *path, const char *text)
{
	char buf[64];
	int fd = open(path, O_RDONLY, 0);
	long n = read(fd, buf, sizeof(buf));

	close(fd);
	return n == (long)strlen(text) && !memcmp(buf, text, n);
}

static int write_and_read(void)
{
	struct stat st;
	char c;
	int fd;

	CHECK(enter("/tmp/wr"));
	umask(022);
	fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0666);
	CHECK(fd >= 0 && open("new", O_RDWR | O_CREAT | O_EXCL, 0666) == -EEXIST);
	CHECK(write(fd, "hello world", 11) == 11 && lseek(fd, 0, SEEK_CUR) == 11);
	CHECK(pread64(fd, &c, 1, 6) == 1 && c == 'w' && pwrite64(fd, "W", 1, 6) == 1);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 11 && st.st_mode == 0100644 && st.st_nlink == 1);
	CHECK(holds("new", "hello World"));
	CHECK(ftruncate(fd, 5) == 0 && holds("new", "hello"));
	CHECK(ftruncate(fd, 7) == 0 && holds("new", "hello") == false && pread64(fd, &c, 1, 6) == 1 && c == 0);
	CHECK(close(fd) == 0 && open("new", O_WRONLY | O_TRUNC, 0) == fd && holds("new", ""));
	CHECK(truncate("new", 3) == 0 && stat("new", &st) == 0 && st.st_size == 3);
	CHECK(truncate("new", -1) == -EINVAL && truncate("/tmp", 0) == -EISDIR);
	return 0;
}

static int append(void)
{
	int one, two;

	CHECK(enter("/tmp/append"));
	one = open("log", O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0600);
	two = open("log", O_WRONLY | O_APPEND, 0);
	CHECK(write(one, "a", 1) == 1 && write(two, "b", 1) == 1 && write(one, "c", 1) == 1);
	CHECK(holds("log", "abc"));
	CHECK((fcntl(one, F_GETFL, 0) & (O_APPEND | 3)) == (O_APPEND | O_WRONLY));
	CHECK(fcntl(one, F_SETFL, 0) == 0 && !(fcntl(one, F_GETFL, 0) & O_APPEND));
	return 0;
}

/* Holes take no memory and read as zeros; the page cache's tree grows in height. */
static int sparse(void)
{
	static const off_t places[] = { 0, 4095, 1L << 21, 1L << 30, (1L << 39) - 1 };
	struct stat st;
	char buf[2];
	size_t i;
	int fd;

	CHECK(enter("/tmp/sparse"));
	fd = open("holes", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (i = 0; i < 5; i++)
		CHECK(pwrite64(fd, "x", 1, places[i]) == 1);
	for (i = 0; i < 5; i++)
		CHECK(pread64(fd, buf, 1, places[i]) == 1 && buf[0] == 'x');
	CHECK(pread64(fd, buf, 2, 1L << 25) == 2 && !buf[0] && !buf[1]);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 1L << 39 && st.st_blocks == 4 * 8);
	CHECK(pwrite64(fd, "x", 1, 1L << 39) == -EFBIG);
	CHECK(ftruncate(fd, 1L << 21) == 0 && fstat(fd, &st) == 0 && st.st_blocks == 8);
	return close(fd);
}

static int directories(void)
{
	char cwd[64];

	CHECK(enter("/tmp/dirs"));
	CHECK(mkdir("a", 0755) == 0 && mkdir("a", 0755) == -EEXIST && mkdir("a/b/c", 0755) == -ENOENT);
	CHECK(mkdir("a/b/", 0755) == 0 && chdir("a/b") == 0);
	CHECK(getcwd(cwd, 64) == 14 && !strcmp(cwd, "/tmp/dirs/a/b") && getcwd(cwd, 13) == -ERANGE);
	CHECK(chdir("../..") == 0 && getcwd(cwd, 64) == 10);
	CHECK(rmdir("a") == -ENOTEMPTY && rmdir("a/b") == 0 && unlink("a") == -EISDIR);
	CHECK(rmdir(".") == -EINVAL && rmdir("..") == -ENOTEMPTY && rmdir("/") == -EBUSY);
	CHECK(chdir("a") == 0 && rmdir("../a") == 0 && getcwd(cwd, 64) == -ENOENT);
	CHECK(open("x", O_WRONLY | O_CREAT, 0600) == -ENOENT);
	CHECK(make("/tmp/dirs/f", "") == 0 && rmdir("/tmp/dirs/f") == -ENOTDIR && chdir("/tmp/dirs/f") == -ENOTDIR);
	CHECK(unlink("/tmp/dirs/f/") == -ENOTDIR && mkdir("/tmp/dirs/f/g", 0) == -ENOTDIR);
	return 0;
}

/* A file lives as long as it has a name or is open. */
static int links_and_lives(void)
{
	struct stat st;
	char c;
	int fd;

	CHECK(enter("/tmp/links"));
	CHECK(make("one", "1") == 0 && link("one", "two") == 0 && link("one", "two") == -EEXIST);
	CHECK(stat("one", &st) == 0 && st.st_nlink == 2 && link(".", "dir") == -EPERM);
	CHECK(unlink("one") == 0 && unlink("one") == -ENOENT && holds("two", "1"));
	fd = open("two", O_RDONLY, 0);
	CHECK(unlink("two") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 0);
	CHECK(read(fd, &c, 1) == 1 && c == '1');
	return close(fd);
}

static int symbolic_links(void)
{
	char text[64];
	struct stat st;

	CHECK(enter("/tmp/sym"));
	CHECK(make("file", "text") == 0 && symlink("file", "link") == 0 && symlink("x", "link") == -EEXIST);
	CHECK(holds("link", "text") && readlink("link", text, 64) == 4 && !memcmp(text, "file", 4));
	CHECK(readlink("link", text, 2) == 2 && readlink("file", text, 64) == -EINVAL);
	CHECK(readlink("link", text, 0) == -EINVAL);
	CHECK(lstat("link", &st) == 0 && st.st_mode == 0120777 && st.st_size == 4);
	CHECK(stat("link", &st) == 0 && st.st_mode == 0100644);
	CHECK(open("link", O_RDONLY | O_NOFOLLOW, 0) == -ELOOP && symlink("", "empty") == -ENOENT);
	CHECK(symlink("loop", "loop") == 0 && open("loop", O_RDONLY, 0) == -ELOOP);
	CHECK(symlink("/tmp/sym", "up") == 0 && holds("up/up/up/link", "text"));
	CHECK(symlink("made", "dangling") == 0 && open("dangling", O_RDONLY, 0) == -ENOENT);
	CHECK(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600) == -EEXIST);
	CHECK(make("dangling", "through") == 0 && holds("made", "through"));
	CHECK(open("link/", O_RDONLY, 0) == -ENOTDIR && unlink("link") == 0 && holds("file", "text"));
	return 0;
}

static int renames(void)
{
	struct stat st;

	CHECK(enter("/tmp/ren"));
	CHECK(make("a", "a") == 0 && make("b", "b") == 0 && mkdir("d", 0755) == 0 && mkdir("e", 0755) == 0);
	CHECK(rename("a", "c") == 0 && open("a", O_RDONLY, 0) == -ENOENT && holds("c", "a"));
	CHECK(rename("c", "b") == 0 && holds("b", "a") && rename("none", "b") == -ENOENT);
	CHECK(rename("b", "d") == -EISDIR && rename("d", "b") == -ENOTDIR);
	CHECK(rename("b", "d/b") == 0 && rename("e", "d") == -ENOTEMPTY && rename("d", "d/x") == -EINVAL);
	CHECK(rename("d", "e") == 0 && holds("e/b", "a") && stat(".", &st) == 0 && st.st_nlink == 3);
	CHECK(link("e/b", "same") == 0 && rename("e/b", "same") == 0 && holds("e/b", "a"));
	CHECK(rename("same", "/tmp/ren/.") == -EBUSY && rename("same", "same/") == -ENOTDIR);
	CHECK(renameat2(AT_FDCWD, "same", AT_FDCWD, "e", 1) == -EEXIST);
	CHECK(renameat2(AT_FDCWD, "same", AT_FDCWD, "e", 2) == 0 && holds("same/b", "a") && holds("e", "a"));
	return 0;
}

static int at_calls(void)
{
	struct stat st;
	int dir, fd;

	CHECK(enter("/tmp/at") && mkdirat(AT_FDCWD, "sub", 0755) == 0);
	dir = open("sub", O_RDONLY | O_DIRECTORY, 0);
	fd = openat(dir, "file", O_CREAT | O_WRONLY, 0640);
	CHECK(dir >= 0 && fd >= 0 && write(fd, "x", 1) == 1);
	CHECK(newfstatat(dir, "file", &st, 0) == 0 && st.st_size == 1);
	CHECK(newfstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && newfstatat(fd, "", &st, 0) == -ENOENT);
	CHECK(openat(fd, "x", O_RDONLY, 0) == -ENOTDIR && openat(99, "x", O_RDONLY, 0) == -EBADF);
	CHECK(openat(99, "/etc/motd", O_RDONLY, 0) >= 0);
	CHECK(fchdir(dir) == 0 && holds("file", "x") && fchdir(fd) == -ENOTDIR);
	CHECK(faccessat(dir, "file", 4) == 0 && faccessat(dir, "file", 1) == -EACCES);
	CHECK(fchmodat(dir, "file", 0755) == 0 && access("file", 1) == 0 && access("file", 8) == -EINVAL);
	CHECK(unlinkat(dir, "file", 0) == 0 && unlinkat(AT_FDCWD, "../sub", AT_REMOVEDIR) == 0);
	CHECK(open("/etc/motd", O_RDONLY | O_DIRECTORY, 0) == -ENOTDIR);
	return 0;
}

static int bad_paths(void)
{
	static char path[8192];

	CHECK(enter("/tmp/bad"));
	memset(path, 'a', sizeof(path) - 1);
	CHECK(open(path, O_RDONLY, 0) == -ENAMETOOLONG);
	path[256] = '\0';
	CHECK(open(path, O_CREAT | O_WRONLY, 0600) == -ENAMETOOLONG && mkdir(path, 0755) == -ENAMETOOLONG);
	path[255] = '\0';
	CHECK(make(path, "long") == 0 && unlink(path) == 0);
	CHECK(open("", O_RDONLY, 0) == -ENOENT && open((char *)8, O_RDONLY, 0) == -EFAULT);
	CHECK(open((char *)0xffff888000000000UL, O_RDONLY, 0) == -EFAULT);
	CHECK(stat("/etc/motd", (struct stat *)8) == -EFAULT && getcwd((char *)8, 64) == -EFAULT);
	CHECK(mkdir(NULL, 0) == -EFAULT && rename("/etc/motd", (char *)1) == -EFAULT);
	return 0;
}

static int vectors(void)
{
	char a[3], b[8];
	struct iovec out[3] = { { "one", 3 }, { NULL, 0 }, { "two", 3 } }, in[2] = { { a, 3 }, { b, 8 } };
	struct iovec bad[2] = { { "x", 1 }, { (void *)8, 4 } };
	int fd;

	CHECK(enter("/tmp/vec"));
	fd = open("v", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(writev(fd, out, 3) == 6 && holds("v", "onetwo") && lseek(fd, 0, SEEK_SET) == 0);
	CHECK(readv(fd, in, 2) == 6 && !memcmp(a, "one", 3) && !memcmp(b, "two", 3));
	CHECK(writev(fd, bad, 2) == 1 && writev(fd, bad + 1, 1) == -EFAULT);
	CHECK(writev(fd, out, 1025) == -EINVAL && writev(fd, (void *)8, 1) == -EFAULT && writev(99, out, 1) == -EBADF);
	return 0;
}

static int descriptor_flags(void)
{
	int fd = open("/etc/motd", O_RDONLY | O_CLOEXEC, 0), other;

	CHECK(fd >= 0 && fcntl(fd, F_GETFD, 0) == 1 && fcntl(fd, F_SETFD, 0) == 0 && fcntl(fd, F_GETFD, 0) == 0);
	CHECK(fcntl(fd, F_DUPFD, 20) == 20 && fcntl(fd, F_DUPFD, 20) == 21 && fcntl(fd, F_DUPFD, 9999) == -EINVAL);
	other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	CHECK(fcntl(other, F_GETFD, 0) == 1 && dup2(fd, other) == other && fcntl(other, F_GETFD, 0) == 0);
	CHECK(dup2(fd, fd) == fd && dup3(fd, fd, 0) == -EINVAL && dup2(fd, 9999) == -EBADF && dup2(99, 3) == -EBADF);
	CHECK(fcntl(99, F_GETFD, 0) == -EBADF && fcntl(fd, 77, 0) == -EINVAL);
	CHECK(close_range(20, 21, 0) == 0 && fcntl(20, F_GETFD, 0) == -EBADF);
	return 0;
}

static int mounts(void)
{
	struct statfs fs;

	CHECK(enter("/tmp/mnt") && mkdir("m", 0755) == 0 && make("m/under", "u") == 0);
	CHECK(mount("none", "m", "tmpfs", 0, NULL) == 0 && open("m/under", O_RDONLY, 0) == -ENOENT);
	CHECK(make("m/over", "o") == 0 && statfs("m", &fs) == 0 && fs.f_type == 0x01021994);
	CHECK(rename("m/over", "over") == -EXDEV && rmdir("m") == -EBUSY && chdir("m") == 0);
	CHECK(umount2("/tmp/mnt/m", 0) == -EBUSY && chdir("..") == 0 && holds("m/../m/over", "o"));
	CHECK(umount2("m", 0) == 0 && holds("m/under", "u") && umount2("m", 0) == -EINVAL);
	CHECK(mount("none", "m", "ext9", 0, NULL) == -ENODEV && mount("none", "no", "tmpfs", 0, NULL) == -ENOENT);
	return 0;
}

static int sends_files(void)
{
	char text[16];
	off_t from = 6;
	int in, out;

	CHECK(enter("/tmp/send") && make("in", "hello world") == 0);
	in = open("in", O_RDONLY, 0);
	out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(sendfile(out, in, &from, 100) == 5 && from == 11 && lseek(in, 0, SEEK_CUR) == 0);
	CHECK(sendfile(out, in, NULL, 5) == 5 && lseek(in, 0, SEEK_CUR) == 5 && holds("out", "worldhello"));
	CHECK(sendfile(in, out, NULL, 5) == -EBADF && sendfile(out, in, (void *)8, 5) == -EFAULT);
	return pread64(out, text, 16, 0) == 10 ? 0 : 1;
}

const struct test tree_tests[] = {
	{ "write_and_read", write_and_read },
	{ "append", append },
	{ "sparse", sparse },
	{ "directories", directories },
	{ "links_and_lives", links_and_lives },
	{ "symbolic_links", symbolic_links },
	{ "renames", renames },
	{ "at_calls", at_calls },
	{ "bad_paths", bad_paths },
	{ "vectors", vectors },
	{ "descriptor_flags", descriptor_flags },
	{ "mounts", mounts },
	{ "sends_files", sends_files },
	{ NULL, NULL },
};
