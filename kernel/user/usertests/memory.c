/* Tests of the address space: what is there, what may be done with it, and what kills. */
#include "usertests.h"

#include <string.h>
#include <unistd.h>

#define PAGE 4096UL
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static char bss[3 * PAGE];
static const char constant = 'c';

static int bss_is_zero(void)
{
	size_t i;

	for (i = 0; i < sizeof(bss); i++)
		CHECK(bss[i] == 0);
	return 0;
}

static int use_stack(int pages)
{
	volatile char page[PAGE];

	page[0] = pages;
	return pages ? use_stack(pages - 1) + page[0] : 0;
}

static int deep_stack(void)
{
	use_stack(1000);
	return 0;
}

static int endless_stack(void)
{
	return use_stack(1 << 20);
}

static int stack_limits(void)
{
	CHECK(status_of(deep_stack) == 0);
	CHECK(status_of(endless_stack) == SIGSEGV);
	return 0;
}

static int heap(void)
{
	unsigned long start = brk(0), i;

	CHECK(brk(start + 10 * PAGE) == (long)(start + 10 * PAGE));
	for (i = 0; i < 10 * PAGE; i += 8)
		*(volatile unsigned long *)(start + i) = i;
	CHECK(brk(start + PAGE) == (long)(start + PAGE));
	CHECK(*(volatile unsigned long *)(start + 8) == 8);
	CHECK(brk(start + 2 * PAGE) == (long)(start + 2 * PAGE));
	CHECK(*(volatile unsigned long *)(start + PAGE + 8) == 0);
	CHECK(brk(1) == (long)(start + 2 * PAGE));
	CHECK(brk(~0UL) == (long)(start + 2 * PAGE));
	return 0;
}

static int touch_after_brk(void)
{
	unsigned long start = brk(0);

	brk(start + 4 * PAGE);
	*(volatile char *)(start + 3 * PAGE) = 1;
	brk(start);
	*(volatile char *)(start + 3 * PAGE) = 1;
	return 0;
}

static int heap_shrinks(void)
{
	CHECK(status_of(touch_after_brk) == SIGSEGV);
	return 0;
}

static int mmap_anonymous(void)
{
	long a = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	long b = mmap(0, PAGE, PROT_READ, ANONYMOUS, -1, 0);

	CHECK(a > 0 && b > 0 && a % PAGE == 0 && (b + (long)PAGE <= a || b >= a + 4 * (long)PAGE));
	CHECK(*(volatile long *)(a + 3 * PAGE) == 0);
	*(volatile long *)a = 42;
	CHECK(munmap(a + PAGE, PAGE) == 0);
	CHECK(*(volatile long *)a == 42);
	CHECK(mmap(a + PAGE, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0) == a + (long)PAGE);
	CHECK(*(volatile long *)(a + PAGE) == 0);
	return 0;
}

static int mmap_errors(void)
{
	CHECK(mmap(0, 0, PROT_READ, ANONYMOUS, -1, 0) == -EINVAL);
	CHECK(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, 0, 0) == -ENODEV && mmap(0, PAGE, PROT_READ, 0, 0, 0) == -EINVAL);
	CHECK(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == -EBADF);
	CHECK(mmap(0, PAGE, 0x80, ANONYMOUS, -1, 0) == -EINVAL);
	CHECK(mmap(1, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0) == -EINVAL);
	CHECK(mmap(0xffff888000000000UL, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0) == -EINVAL);
	CHECK(mmap(0x7fffffffe000, 2 * PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0) == -EINVAL);
	CHECK(mmap(0, 1UL << 46, PROT_READ, ANONYMOUS, -1, 0) == -ENOMEM);
	CHECK(munmap(0xffffffff81000000UL, PAGE) == -EINVAL);
	CHECK(munmap(0x7fffffff0001, PAGE) == -EINVAL);
	CHECK(mprotect(0x10000000, PAGE, PROT_READ) == -ENOMEM);
	return 0;
}

static long two_pages(unsigned long prot)
{
	long address = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);

	*(volatile char *)address = 0xc3;
	*(volatile char *)(address + PAGE) = 0xc3;
	mprotect(address + PAGE, PAGE, prot);
	return address;
}

static int write_protected(void)
{
	long address = two_pages(PROT_READ);

	*(volatile char *)address = 1;
	if (*(volatile unsigned char *)(address + PAGE) != 0xc3)
		return 1;
	*(volatile char *)(address + PAGE) = 1;
	return 0;
}

static int read_protected(void)
{
	return *(volatile char *)(two_pages(PROT_NONE) + PAGE);
}

static int run_made_executable(void)
{
	((void (*)(void))(two_pages(PROT_READ | PROT_EXEC) + PAGE))();
	return 9;
}

static int run_data(void)
{
	((void (*)(void))(two_pages(PROT_READ | PROT_WRITE) + PAGE))();
	return 9;
}

static int protection(void)
{
	CHECK(status_of(write_protected) == SIGSEGV);
	CHECK(status_of(read_protected) == SIGSEGV);
	CHECK(status_of(run_made_executable) == 9 << 8);
	CHECK(status_of(run_data) == SIGSEGV);
	return 0;
}

static int run_stack(void)
{
	volatile unsigned char code[] = { 0xc3 };

	((void (*)(void))code)();
	return 0;
}

static int write_text(void)
{
	*(volatile char *)run_stack = 0;
	return 0;
}

static int write_constant(void)
{
	*(volatile char *)&constant = 0;
	return 0;
}

static int read_null(void)
{
	return *(volatile char *)0;
}

static int read_kernel_text(void)
{
	return *(volatile char *)0xffffffff81000000UL;
}

static int write_direct_map(void)
{
	*(volatile char *)0xffff888001000000UL = 0;
	return 0;
}

static int run_kernel(void)
{
	((void (*)(void))0xffffffff81000000UL)();
	return 0;
}

static int read_noncanonical(void)
{
	return *(volatile char *)0x8000000000000000UL;
}

static int jump_noncanonical(void)
{
	((void (*)(void))0x8000000000000000UL)();
	return 0;
}

static int lose_stack(void)
{
	asm volatile("movq $0x8000000000000000, %rsp\n push %rax");
	return 0;
}

static int faults_kill(void)
{
	CHECK(status_of(run_stack) == SIGSEGV);
	CHECK(status_of(write_text) == SIGSEGV);
	CHECK(status_of(write_constant) == SIGSEGV);
	CHECK(status_of(read_null) == SIGSEGV);
	CHECK(status_of(read_kernel_text) == SIGSEGV);
	CHECK(status_of(write_direct_map) == SIGSEGV);
	CHECK(status_of(run_kernel) == SIGSEGV);
	CHECK(status_of(read_noncanonical) == SIGSEGV);
	CHECK(status_of(jump_noncanonical) == SIGSEGV);
	CHECK(WTERMSIG(status_of(lose_stack)) != 0);
	return 0;
}

/* The kernel must not take a pointer where ring 3 may not go, nor one that faults. */
static int bad_pointers(void)
{
	static const unsigned long pointers[] = {
		0, 8, 0x10000000, 0x7ffffffff000, 0x800000000000, 0x8000000000000000, 0xffff888001000000,
		0xffffffff81000000, 0xfffffffffffffff8,
	};
	size_t i;

	for (i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		CHECK(write(STDOUT_FILENO, (const char *)pointers[i], 16) == -EFAULT);
		CHECK(open((const char *)pointers[i], O_RDONLY, 0) == -EFAULT);
		CHECK(uname((struct new_utsname *)pointers[i]) == -EFAULT);
	}
	CHECK(write(STDOUT_FILENO, &constant, ~0UL) == -EFAULT);
	return 0;
}

/* A string at the very end of the user's memory is not read beyond it. */
static int string_at_end(void)
{
	long address = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	char *end = (char *)address + PAGE;

	munmap(address + PAGE, PAGE);
	memcpy(end - 10, "/etc/motd", 10);
	CHECK(open(end - 10, O_RDONLY, 0) >= 0);
	CHECK(open(end - 9, O_RDONLY, 0) >= 0);
	end[-1] = 'x';
	CHECK(open(end - 10, O_RDONLY, 0) == -EFAULT);
	return 0;
}

/* Far more than there is, touched page by page: the one who asks dies, and the memory comes back. */
static int eat_all_memory(void)
{
	for (;;) {
		long address = mmap(0, 256 * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0), i;

		if (address < 0)
			return 1;
		for (i = 0; i < 256; i++)
			*(volatile char *)(address + i * PAGE) = 1;
	}
}

static int out_of_memory(void)
{
	CHECK(status_of(eat_all_memory) == SIGKILL);
	CHECK(status_of(deep_stack) == 0);
	CHECK(status_of(eat_all_memory) == SIGKILL);
	return 0;
}

const struct test memory_tests[] = {
	{ "bss_is_zero", bss_is_zero },
	{ "stack_limits", stack_limits },
	{ "heap", heap },
	{ "heap_shrinks", heap_shrinks },
	{ "mmap_anonymous", mmap_anonymous },
	{ "mmap_errors", mmap_errors },
	{ "protection", protection },
	{ "faults_kill", faults_kill },
	{ "bad_pointers", bad_pointers },
	{ "string_at_end", string_at_end },
	{ "out_of_memory", out_of_memory },
	{ NULL, NULL },
};
