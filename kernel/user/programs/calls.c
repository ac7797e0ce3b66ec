/*
 * Some hundreds of system calls and what they answered, a line each: run under this kernel and under another Linux,
 * the lines must be the same. All happens in a directory that it makes below the one it is started in.
 */
#include <stdio.h>
#include <string.h>
#include <sys/signal.h>
#include <syscall.h>
#include <unistd.h>

#define T(expression) printf("%s = %ld\n", #expression, (long)(expression))

#define BAD	((void *)8)
#define KERNEL	((void *)0xffffffff81000000UL)

static char buf[8192], text[64];
static struct stat st;

static long save(const char *path, const char *words)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	long n = write(fd, words, strlen(words));

	close(fd);
	return n;
}

/* The first bytes of a file, as a number. */
static long peek(const char *path)
{
	int fd = open(path, O_RDONLY, 0);
	long value = 0, n = read(fd, (char *)&value, sizeof(value) - 1);

	close(fd);
	return n < 0 ? n : value;
}

static long mode_of(const char *path)
{
	long err = lstat(path, &st);

	return err < 0 ? err : st.st_mode;
}

static long links_of(const char *path)
{
	long err = lstat(path, &st);

	return err < 0 ? err : (long)st.st_nlink;
}

static void opens(void)
{
	T(open("a", O_RDONLY, 0));
	T(open("a", O_RDWR | O_CREAT | O_EXCL, 0666));
	T(open("a", O_RDWR | O_CREAT | O_EXCL, 0666));
	T(fcntl(3, F_GETFL, 0));
	T(fcntl(3, F_GETFD, 0));
	T(mode_of("a"));
	T(write(3, "hello world", 11));
	T(lseek(3, 0, SEEK_CUR));
	T(lseek(3, -5, SEEK_END));
	T(read(3, buf, 100));
	T(buf[0]);
	T(read(3, buf, 100));
	T(lseek(3, -1, SEEK_SET));
	T(lseek(3, 5, 9));
	T(lseek(3, 3, 3));
	T(lseek(3, 3, 4));
	T(lseek(3, 30, 3));
	T(lseek(3, 100, SEEK_SET));
	T(read(3, buf, 1));
	T(pread64(3, buf, 4, 6));
	T(pread64(3, buf, 4, -1));
	T(pwrite64(3, "W", 1, 6));
	T(peek("a"));
	T(ftruncate(3, 4));
	T(peek("a"));
	T(ftruncate(3, -1));
	T(truncate("a", 6));
	T(peek("a"));
	T(truncate("none", 6));
	T(truncate(".", 6));
}

static void refused_opens(void)
{
	T(open("a", O_WRONLY | O_TRUNC, 0));
	T(read(4, buf, 1));
	T(open("a", 3, 0));
	T(read(5, buf, 1));
	T(write(5, buf, 1));
	T(open(".", O_RDONLY, 0));
	T(read(6, buf, 1));
	T(open(".", O_WRONLY, 0));
	T(open(".", O_RDONLY | O_CREAT, 0));
	T(open("a", O_RDONLY | O_DIRECTORY, 0));
	T(open("a/", O_RDONLY, 0));
	T(open("a/b", O_RDONLY, 0));
	T(open("b/", O_RDWR | O_CREAT, 0666));
	T(open("", O_RDONLY, 0));
	T(open(BAD, O_RDONLY, 0));
	T(open(KERNEL, O_RDONLY, 0));
	T(openat(6, "a", O_RDONLY, 0));
	T(openat(3, "a", O_RDONLY, 0));
	T(openat(99, "a", O_RDONLY, 0));
	T(creat("c", 0640));
	T(mode_of("c"));
	T(close_range(3, 60, 0));
	T(close(3));
	T(read(3, buf, 1));
	T(write(-1, buf, 1));
}

static void pointers(void)
{
	struct iovec good[2] = { { buf, 3 }, { buf, 4 } }, bad[2] = { { buf, 3 }, { BAD, 4 } };

	T(save("p", "0123456789"));
	T(open("p", O_RDWR, 0));
	T(read(3, BAD, 1));
	T(read(3, KERNEL, 1));
	T(write(3, BAD, 1));
	T(read(3, buf, -1));
	T(readv(3, good, 2));
	T(readv(3, bad, 2));
	T(readv(3, bad + 1, 1));
	T(readv(3, BAD, 1));
	T(readv(3, good, 1025));
	T(writev(3, good, -1));
	T(writev(3, good, 0));
	T(writev(3, bad, 2));
	T(fstat(3, BAD));
	T(stat("p", KERNEL));
	T(stat(BAD, &st));
	T(getcwd(BAD, 100));
	T(pipe(BAD));
	T(uname(BAD));
	T(mkdir(BAD, 0));
	T(rename("p", BAD));
	T(readlink(BAD, buf, 10));
	T(getdents64(3, buf, 100));
	T(poll(BAD, 1, 0));
	T(nanosleep(BAD, NULL));
	T(wait4(-1, BAD, 0, NULL));
	memset(buf, 'n', sizeof(buf));
	buf[8191] = '\0';
	T(open(buf, O_RDONLY, 0));
	buf[256] = '\0';
	T(open(buf, O_RDONLY, 0));
	T(mkdir(buf, 0755));
	buf[255] = '\0';
	T(mkdir(buf, 0755));
	T(rmdir(buf));
	T(close(3));
}

static void directories(void)
{
	T(mkdir("d", 0777));
	T(mode_of("d"));
	T(links_of("d"));
	T(mkdir("d", 0777));
	T(mkdir("d/e/f", 0777));
	T(mkdir("d/e/", 0777));
	T(links_of("d"));
	T(rmdir("d"));
	T(rmdir("d/."));
	T(rmdir("d/.."));
	T(rmdir("/"));
	T(unlink("d"));
	T(unlink("none"));
	T(rmdir("none"));
	T(save("f", "f"));
	T(rmdir("f"));
	T(unlink("f/"));
	T(mkdir("f/g", 0777));
}

static void links(void)
{
	T(link("f", "l"));
	T(link("f", "l"));
	T(link("none", "m"));
	T(link("d", "m"));
	T(links_of("f"));
	T(unlink("f"));
	T(links_of("l"));
	T(peek("l"));
	T(symlink("l", "s"));
	T(symlink("l", "s"));
	T(symlink("", "t"));
	T(mode_of("s"));
	T(st.st_size);
	T(peek("s"));
	T(readlink("s", buf, 100));
	T(readlink("l", buf, 100));
	T(readlink("s", buf, 0));
	T(readlink("s", buf, -1));
	T(open("s", O_RDONLY | O_NOFOLLOW, 0));
	T(open("s/", O_RDONLY, 0));
	T(symlink("loop", "loop"));
	T(peek("loop"));
	T(open("loop", O_RDWR | O_CREAT, 0666));
	T(open("loop", O_RDWR | O_CREAT | O_EXCL, 0666));
	T(symlink("there", "dangling"));
	T(open("dangling", O_RDONLY, 0));
	T(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0666));
	T(save("dangling", "d"));
	T(peek("there"));
}

static void renames(void)
{
	T(rename("l", "n"));
	T(rename("l", "n"));
	T(rename("n", "d"));
	T(rename("d", "n"));
	T(rename("d", "d/e/x"));
	T(rename("d/e", "."));
	T(rename("n", "n/"));
	T(rename("d/e", "d"));
	T(mkdir("x", 0777));
	T(rename("d", "x"));
	T(links_of("x"));
	T(rename("there", "x/e/there"));
	T(rename("x", "y/"));
	T(rename("y/e/there", "there"));
	T(renameat2(AT_FDCWD, "there", AT_FDCWD, "n", 1));
	T(renameat2(AT_FDCWD, "there", AT_FDCWD, "n", 2));
	T(renameat2(AT_FDCWD, "there", AT_FDCWD, "none", 2));
	T(renameat2(AT_FDCWD, "there", AT_FDCWD, "n", 3));
	T(peek("n"));
	T(unlinkat(AT_FDCWD, "y/e", AT_REMOVEDIR));
	T(unlinkat(AT_FDCWD, "y", 0));
	T(unlinkat(AT_FDCWD, "y", 1));
}

static void modes(void)
{
	T(chmod("n", 04751));
	T(mode_of("n"));
	T(chmod("none", 0));
	T(access("n", 0));
	T(access("n", 8));
	T(access("none", 0));
	T(umask(077));
	T(save("private", ""));
	T(mode_of("private"));
	T(umask(022));
	T(mknod("fifo", 0010644, 0));
	T(mode_of("fifo"));
	T(mknod("fifo", 0010644, 0));
	T(mknod("dir", 0040755, 0));
	T(open("fifo", O_WRONLY | O_NONBLOCK, 0));
}

static void places(void)
{
	T(chdir("n"));
	T(chdir("none"));
	T(chdir("y"));
	T(rmdir("../y"));
	T(getcwd(buf, 100));
	T(open("z", O_RDWR | O_CREAT, 0666));
	T(mkdir("z", 0777));
	T(chdir(".."));
	T(getcwd(buf, 2));
}

static void descriptors(void)
{
	struct pollfd fds[2] = { { 3, 1, 0 }, { 4, 4, 0 } };
	int ends[2];

	T(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	T(pipe2(ends, 1));
	T(fcntl(3, F_GETFD, 0));
	T(fcntl(3, F_GETFL, 0));
	T(fcntl(4, F_GETFL, 0));
	T(read(3, buf, 1));
	T(poll(fds, 2, 0));
	T(fds[0].revents);
	T(fds[1].revents);
	T(write(4, buf, 5000));
	T(poll(fds, 2, -1));
	T(read(3, buf, 8192));
	T(read(4, buf, 1));
	T(write(3, buf, 1));
	T(lseek(3, 0, SEEK_SET));
	T(pread64(3, buf, 1, 0));
	T(ftruncate(3, 0));
	T(dup(4));
	T(dup2(4, 10));
	T(fcntl(10, F_GETFD, 0));
	T(dup2(4, 4));
	T(dup3(4, 4, 0));
	T(dup3(4, 11, O_CLOEXEC));
	T(fcntl(11, F_GETFD, 0));
	T(fcntl(4, F_DUPFD, 20));
	T(fcntl(4, F_DUPFD_CLOEXEC, 20));
	T(fcntl(4, F_SETFL, O_RDWR | O_APPEND));
	T(fcntl(4, F_GETFL, 0));
	T(fcntl(99, F_GETFL, 0));
	T(dup(99));
	T(dup2(99, 5));
	T(close(3));
	T(poll(fds, 2, 0));
	T(fds[0].revents);
	T(fds[1].revents);
	T(ioctl(4, 0x5401, (unsigned long)buf));
	T(ioctl(99, 0x5401, (unsigned long)buf));
	T(close_range(4, 60, 0));
	T(close_range(5, 4, 0));
}

static int killed_by_pipe(void)
{
	int ends[2];

	pipe(ends);
	close(ends[0]);
	return write(ends[1], "x", 1);
}

static int exits_with_300(void)
{
	return 300;
}

static int null_pointer(void)
{
	return *(volatile int *)BAD;
}

static int status_of(int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		exit_group(fn());
	wait4(pid, &status, 0, NULL);
	return status;
}

static void processes(void)
{
	T(status_of(exits_with_300));
	T(status_of(killed_by_pipe) & 0x7f);
	T(status_of(null_pointer) & 0x7f);
	T(wait4(-1, NULL, 0, NULL));
	T(wait4(-1, NULL, WNOHANG, NULL));
	T(wait4(-1, NULL, 0x100000, NULL));
	T(kill(getpid(), 0));
	T(kill(getpid(), 65));
	T(kill(999999, 0));
	T(execve("none", NULL, NULL));
	T(execve(".", NULL, NULL));
	T(execve("private", NULL, NULL));
	T(execve("private/x", NULL, NULL));
	T(execve("loop", NULL, NULL));
	T(execve(BAD, NULL, NULL));
	T(chmod("private", 0755));
	T(execve("private", NULL, NULL));
	T(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	T(mmap(1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	T(munmap(0, 0));
	T(munmap(1, 4096));
	T(mprotect(0, 4096, PROT_READ));
	T(mprotect(1, 4096, PROT_READ));
	T(syscall0(10000));
	T(syscall0(-1));
}

int main(void)
{
	umask(022);
	mkdir("calls.d", 0777);
	if (chdir("calls.d"))
		return 1;
	opens();
	refused_opens();
	pointers();
	directories();
	links();
	renames();
	modes();
	places();
	descriptors();
	processes();
	return strlen(text);
}
