/* Tests of mmap and its relatives: files and memory, shared and private, moved and given up. */
#include "usertests.h"

#include <string.h>
#include <unistd.h>

#define PAGE 4096UL
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

/* A new file of so many bytes, the first of each page being its number from '0' on. */
static int file_of(const char *name, long size)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	char c = '0';
	long at;

	for (at = 0; at < size; at += PAGE, c++)
		if (lseek(fd, at, SEEK_SET) != at || write(fd, &c, 1) != 1)
			return -1;
	return ftruncate(fd, size) ? -1 : fd;
}

static char read_at(int fd, long at)
{
	char c = 0;

	return pread64(fd, &c, 1, at) == 1 ? c : -1;
}

static int private_file(void)
{
	int fd = file_of("/private", 3 * PAGE);
	volatile char *map = (volatile char *)mmap(0, 2 * PAGE, RW, MAP_PRIVATE, fd, PAGE);

	CHECK((long)map > 0 && close(dup(fd)) == 0);
	CHECK(map[0] == '1' && map[PAGE] == '2' && map[1] == 0);
	map[0] = 'x';
	map[PAGE + 5] = 'y';
	CHECK(read_at(fd, PAGE) == '1' && read_at(fd, 2 * PAGE + 5) == 0);
	CHECK(write(fd, "", 0) == 0 && pwrite64(fd, "z", 1, PAGE + 1) == 1);
	CHECK(map[0] == 'x' && unlink("/private") == 0 && close(fd) == 0 && map[PAGE] == '2');
	return 0;
}

static int shared_file(void)
{
	int status, fd = file_of("/shared", 2 * PAGE);
	volatile char *map = (volatile char *)mmap(0, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	pid_t pid;

	CHECK((long)map > 0 && map[0] == '0');
	map[1] = 'a';
	CHECK(read_at(fd, 1) == 'a' && pwrite64(fd, "b", 1, PAGE) == 1 && map[PAGE] == 'b');
	pid = fork();
	if (pid == 0) {
		map[2] = 'c';
		exit_group(0);
	}
	CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0 && map[2] == 'c' && read_at(fd, 2) == 'c');
	CHECK(msync((unsigned long)map, 2 * PAGE, MS_SYNC) == 0 && unlink("/shared") == 0);
	return 0;
}

static volatile char *behind_the_end;

static int touch_behind_the_end(void)
{
	return *behind_the_end;
}

/* The page of the last byte is all there; the next one is not, though the area is. */
static int end_of_file(void)
{
	int fd = file_of("/short", PAGE + 10);
	volatile char *map = (volatile char *)mmap(0, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	CHECK((long)map > 0 && map[PAGE] == '1' && map[2 * PAGE - 1] == 0);
	behind_the_end = map + 2 * PAGE;
	CHECK(status_of(touch_behind_the_end) == SIGBUS);
	CHECK(write(-1, (char *)behind_the_end, 1) == -EBADF);
	CHECK(write(open("/dev/full", O_WRONLY, 0), "", 1) < 0 && unlink("/short") == 0);
	return 0;
}

static int file_rights(void)
{
	int r = open("/etc/motd", O_RDONLY, 0), w = open("/dev/null", O_WRONLY, 0);
	long map;

	CHECK(mmap(0, PAGE, RW, MAP_SHARED, r, 0) == -EACCES);
	CHECK(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, w, 0) == -EACCES);
	CHECK(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, open("/etc", O_RDONLY, 0), 0) == -ENODEV);
	CHECK(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, r, 100) == -EINVAL);
	map = mmap(0, PAGE, PROT_READ, MAP_SHARED, r, 0);
	CHECK(map > 0 && !memcmp((char *)map, "Files", 5));
	CHECK(mprotect(map, PAGE, RW) == -EACCES && mprotect(map, PAGE, PROT_READ | PROT_EXEC) == 0);
	map = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, r, 0);
	CHECK(mprotect(map, PAGE, RW) == 0);
	*(volatile char *)map = 'f';
	CHECK(read_at(r, 0) == 'F');
	return 0;
}

static int shared_memory(void)
{
	volatile long *shared = (volatile long *)mmap(0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, i;

	CHECK((long)shared > 0 && shared[0] == 0);
	for (i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			shared[0]++;
			shared[600] += 10;
			exit_group(0);
		}
		CHECK(wait4(pid, &status, 0, NULL) == pid && status == 0);
	}
	CHECK(shared[0] == 3 && shared[600] == 30);
	CHECK(munmap((unsigned long)shared, PAGE) == 0 && shared[600] == 30);
	return 0;
}

static int dev_zero(void)
{
	int fd = open("/dev/zero", O_RDWR, 0);
	volatile char *map = (volatile char *)mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0);

	CHECK((long)map > 0 && map[9] == 0);
	map[9] = 1;
	CHECK(((volatile char *)mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0))[9] == 0 && map[9] == 1);
	return 0;
}

static int placement(void)
{
	long at = mmap(0, 4 * PAGE, RW, ANONYMOUS, -1, 0);

	CHECK(mmap(at, PAGE, RW, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == -17);
	CHECK(munmap(at + PAGE, PAGE) == 0);
	CHECK(mmap(at + PAGE, PAGE, RW, ANONYMOUS, -1, 0) == at + (long)PAGE);
	CHECK(mmap(at + PAGE, PAGE, RW, ANONYMOUS, -1, 0) != at + (long)PAGE);
	return 0;
}

/* Grown where it is, moved, shrunk: what was in it stays. */
static int mremap_moves(void)
{
	long at = mmap(0, 8 * PAGE, RW, ANONYMOUS, -1, 0), new;

	*(volatile long *)at = 1;
	*(volatile long *)(at + PAGE) = 2;
	CHECK(munmap(at + 4 * PAGE, 4 * PAGE) == 0);
	CHECK(mremap(at, 4 * PAGE, 6 * PAGE, 0, 0) == at && *(volatile long *)(at + 5 * PAGE) == 0);
	CHECK(mmap(at + 6 * PAGE, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0) > 0);
	CHECK(mremap(at, 6 * PAGE, 9 * PAGE, 0, 0) == -ENOMEM);
	new = mremap(at, 6 * PAGE, 9 * PAGE, MREMAP_MAYMOVE, 0);
	CHECK(new > 0 && new != at && *(volatile long *)new == 1 && *(volatile long *)(new + PAGE) == 2);
	CHECK(mincore(at, PAGE, (unsigned char *)&new) == -ENOMEM);
	CHECK(mremap(at, PAGE, PAGE, 0, 0) == -EFAULT && mremap(1, PAGE, PAGE, 0, 0) == -EINVAL);
	return 0;
}

static int mremap_fixed_and_shrunk(void)
{
	long at = mmap(0, 4 * PAGE, RW, ANONYMOUS, -1, 0), to = mmap(0, 4 * PAGE, RW, ANONYMOUS, -1, 0);

	*(volatile long *)at = 1;
	*(volatile long *)to = 7;
	CHECK(mremap(at, 2 * PAGE, PAGE, 0, 0) == at && *(volatile long *)(at + 2 * PAGE) == 0);
	CHECK(mremap(at, PAGE, 2 * PAGE, MREMAP_FIXED, to) == -EINVAL);
	CHECK(mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK(*(volatile long *)to == 1 && *(volatile long *)(to + PAGE) == 0);
	return 0;
}

static int dontneed(void)
{
	int fd = file_of("/needed", PAGE);
	volatile char *map = (volatile char *)mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0);
	volatile char *memory = (volatile char *)mmap(0, 2 * PAGE, RW, ANONYMOUS | MAP_POPULATE, -1, 0);
	unsigned char in[2];

	CHECK(mincore((unsigned long)memory, 2 * PAGE, in) == 0 && in[0] == 1 && in[1] == 1);
	map[0] = memory[0] = memory[PAGE] = 'x';
	CHECK(madvise((unsigned long)memory, PAGE, MADV_DONTNEED) == 0 && memory[0] == 0 && memory[PAGE] == 'x');
	CHECK(madvise((unsigned long)map, PAGE, MADV_DONTNEED) == 0 && map[0] == '0');
	CHECK(madvise((unsigned long)map, PAGE, 99) == -EINVAL && madvise(1, PAGE, MADV_DONTNEED) == -EINVAL);
	CHECK(madvise(0x10000000, PAGE, MADV_DONTNEED) == -ENOMEM && unlink("/needed") == 0);
	return 0;
}

/* Cut in the middle by other rights, by nothing, and joined again. */
static int split_and_joined(void)
{
	long at = mmap(0, 5 * PAGE, RW, ANONYMOUS, -1, 0), i;

	for (i = 0; i < 5; i++)
		*(volatile long *)(at + i * PAGE) = i;
	CHECK(mprotect(at + PAGE, 3 * PAGE, PROT_READ) == 0 && munmap(at + 2 * PAGE, PAGE) == 0);
	CHECK(*(volatile long *)(at + PAGE) == 1 && *(volatile long *)(at + 3 * PAGE) == 3);
	CHECK(mprotect(at, 5 * PAGE, RW) == -ENOMEM);
	CHECK(mmap(at + 2 * PAGE, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0) == at + 2 * (long)PAGE);
	CHECK(mprotect(at, 5 * PAGE, RW) == 0 && mremap(at, 5 * PAGE, 4 * PAGE, 0, 0) == at);
	for (i = 0; i < 4; i++)
		CHECK(*(volatile long *)(at + i * PAGE) == (i == 2 ? 0 : i));
	return 0;
}

const struct test mmap_tests[] = {
	{ "private_file", private_file },
	{ "shared_file", shared_file },
	{ "end_of_file", end_of_file },
	{ "file_rights", file_rights },
	{ "shared_memory", shared_memory },
	{ "dev_zero", dev_zero },
	{ "placement", placement },
	{ "mremap_moves", mremap_moves },
	{ "mremap_fixed_and_shrunk", mremap_fixed_and_shrunk },
	{ "dontneed", dontneed },
	{ "split_and_joined", split_and_joined },
	{ NULL, NULL },
};
