/* Tests of pipes and FIFOs. */
#include "usertests.h"

#include <string.h>
#include <unistd.h>

static int pipe_passes_bytes(void)
{
	char buf[8];
	int fds[2], status;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		return write(fds[1], "hello", 5) == 5 ? 0 : 1;
	}
	close(fds[1]);
	CHECK(read(fds[0], buf, 8) == 5 && !memcmp(buf, "hello", 5) && read(fds[0], buf, 8) == 0);
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	CHECK(lseek(fds[0], 0, SEEK_SET) == -ESPIPE && write(fds[0], "x", 1) == -EBADF);
	CHECK(pipe((int *)8) == -EFAULT && pipe2(fds, 1) == -EINVAL);
	return 0;
}

/* More than the pipe holds: the writer sleeps until the reader has made room. */
static int pipe_blocks_its_writer(void)
{
	static char block[1000];
	int fds[2], i;
	long n, sum = 0;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 200; i++) {
			memset(block, i, sizeof(block));
			if (write(fds[1], block, sizeof(block)) != sizeof(block))
				return 1;
		}
		return 0;
	}
	close(fds[1]);
	while ((n = read(fds[0], block, 777)) > 0) {
		CHECK((unsigned char)block[0] == sum / 1000);
		sum += n;
	}
	CHECK(n == 0 && sum == 200000);
	return 0;
}

static int pipe_without_waiting(void)
{
	static char block[4096];
	int fds[2], written = 0;

	CHECK(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0 && fcntl(fds[0], F_GETFD, 0) == 1);
	CHECK(read(fds[0], block, 1) == -EAGAIN);
	while (write(fds[1], block, sizeof(block)) == sizeof(block))
		written += sizeof(block);
	CHECK(written == 65536 && write(fds[1], block, 1) == -EAGAIN);
	CHECK(read(fds[0], block, 4096) == 4096 && write(fds[1], block, 4096) == 4096);
	return 0;
}

static int writes_to_nobody(void)
{
	int fds[2];

	pipe(fds);
	close(fds[0]);
	write(fds[1], "x", 1);
	return 0;
}

static int pipe_breaks(void)
{
	CHECK(WTERMSIG(status_of(writes_to_nobody)) == 13);
	return 0;
}

static int fifo(void)
{
	char buf[4];
	int fd;
	pid_t pid;

	mkdir("/tmp", 0777);
	CHECK(mknod("/tmp/fifo", 0010600, 0) == 0 && open("/tmp/fifo", O_WRONLY | O_NONBLOCK, 0) == -ENXIO);
	pid = fork();
	if (pid == 0) {
		fd = open("/tmp/fifo", O_WRONLY, 0);
		return write(fd, "fifo", 4) == 4 ? 0 : 1;
	}
	fd = open("/tmp/fifo", O_RDONLY, 0);
	CHECK(read(fd, buf, 4) == 4 && !memcmp(buf, "fifo", 4) && read(fd, buf, 4) == 0);
	return unlink("/tmp/fifo") == 0 ? 0 : 1;
}

const struct test pipe_tests[] = {
	{ "pipe_passes_bytes", pipe_passes_bytes },
	{ "pipe_blocks_its_writer", pipe_blocks_its_writer },
	{ "pipe_without_waiting", pipe_without_waiting },
	{ "pipe_breaks", pipe_breaks },
	{ "fifo", fifo },
	{ NULL, NULL },
};
