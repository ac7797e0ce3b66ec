/* Tests of the ways into the kernel and past it: vDSO, vsyscall page, 32-bit programs, segments, ports. */
#include "usertests.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <unistd.h>

#define AT_SYSINFO_EHDR	33
#define PT_DYNAMIC	2
#define DT_HASH		4
#define DT_STRTAB	5
#define DT_SYMTAB	6

struct elf_phdr {
	unsigned int type, flags;
	unsigned long offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_sym {
	unsigned int name;
	unsigned char info, other;
	unsigned short shndx;
	unsigned long value, size;
};

/* The vDSO, looked through as a C library does it. */
static void *vdso_sym(const char *wanted)
{
	unsigned long base = auxv_value(AT_SYSINFO_EHDR), *dyn = NULL;
	const struct elf_phdr *ph = (void *)(base + 64);
	const unsigned int *hash = NULL;
	const struct elf_sym *symtab = NULL;
	const char *strtab = NULL;
	unsigned int i;

	for (i = 0; i < *(unsigned short *)(base + 56); i++)
		if (ph[i].type == PT_DYNAMIC)
			dyn = (unsigned long *)(base + ph[i].offset);
	for (; dyn && dyn[0]; dyn += 2) {
		if (dyn[0] == DT_HASH)
			hash = (void *)(base + dyn[1]);
		if (dyn[0] == DT_STRTAB)
			strtab = (void *)(base + dyn[1]);
		if (dyn[0] == DT_SYMTAB)
			symtab = (void *)(base + dyn[1]);
	}
	for (i = 0; hash && i < hash[1]; i++)
		if (!strcmp(strtab + symtab[i].name, wanted))
			return (void *)(base + symtab[i].value);
	return NULL;
}

static long nanoseconds(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000L + ts->tv_nsec;
}

static int vdso_clocks(void)
{
	int (*vdso_gettime)(int, struct timespec *) = vdso_sym("__vdso_clock_gettime");
	struct timespec before, here, after;
	int clock, i;

	CHECK(vdso_gettime);
	for (i = 0; i < 200; i++)
		for (clock = CLOCK_REALTIME; clock <= CLOCK_MONOTONIC; clock++) {
			CHECK(clock_gettime(clock, &before) == 0 && vdso_gettime(clock, &here) == 0);
			CHECK(clock_gettime(clock, &after) == 0);
			CHECK(nanoseconds(&before) <= nanoseconds(&here) + 1);
			CHECK(nanoseconds(&here) <= nanoseconds(&after));
		}
	CHECK(vdso_gettime(CLOCK_PROCESS_CPUTIME_ID, &here) == 0);
	CHECK(vdso_gettime(99, &here) == -EINVAL);
	return 0;
}

static int vdso_others(void)
{
	int (*vdso_gettimeofday)(struct timeval *, void *) = vdso_sym("__vdso_gettimeofday");
	long (*vdso_time)(long *) = vdso_sym("__vdso_time");
	long (*vdso_getcpu)(unsigned int *, unsigned int *, void *) = vdso_sym("__vdso_getcpu");
	unsigned int cpu = 99, node = 7;
	struct timeval tv, kernels;
	long now = -1;

	CHECK(vdso_gettimeofday && vdso_time && vdso_getcpu);
	CHECK(gettimeofday(&kernels, NULL) == 0 && vdso_gettimeofday(&tv, NULL) == 0);
	CHECK(tv.tv_sec - kernels.tv_sec <= 1 && tv.tv_usec < 1000000);
	CHECK(vdso_time(&now) == now && now - kernels.tv_sec <= 1);
	CHECK(vdso_getcpu(&cpu, &node, NULL) == 0 && cpu < 64 && node == 0);
	return 0;
}

static int writes_vdso(void)
{
	*(volatile char *)auxv_value(AT_SYSINFO_EHDR) = 1;
	return 0;
}

static int writes_vvar(void)
{
	*(volatile char *)(auxv_value(AT_SYSINFO_EHDR) - 4096) = 1;
	return 0;
}

static int vdso_is_read_only(void)
{
	CHECK(status_of(writes_vdso) == SIGSEGV);
	CHECK(status_of(writes_vvar) == SIGSEGV);
	CHECK(*(volatile char *)(auxv_value(AT_SYSINFO_EHDR) + 1) == 'E');
	return 0;
}

#define VSYSCALL 0xffffffffff600000UL

static int calls_between_vsyscalls(void)
{
	return ((int (*)(void))(VSYSCALL + 8))();
}

static int reads_vsyscall(void)
{
	return *(volatile char *)VSYSCALL;
}

static int vsyscall_with_bad_pointer(void)
{
	return ((long (*)(long *))(VSYSCALL + 0x400))((long *)8);
}

static int vsyscall_page(void)
{
	long (*v_gettimeofday)(struct timeval *, void *) = (void *)VSYSCALL;
	long (*v_time)(long *) = (void *)(VSYSCALL + 0x400);
	long (*v_getcpu)(unsigned int *, unsigned int *, void *) = (void *)(VSYSCALL + 0x800);
	struct timeval tv = { -1, -1 };
	unsigned int cpu = 99;
	static char maps[4096];
	long t = -1;

	CHECK(slurp("/proc/self/maps", maps, sizeof(maps)) > 0);
	CHECK(find_text(maps, "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]"));
	CHECK(v_gettimeofday(&tv, NULL) == 0 && tv.tv_usec >= 0);
	CHECK(v_time(&t) == t && t - tv.tv_sec <= 1);
	CHECK(v_getcpu(&cpu, NULL, NULL) == 0 && cpu < 64);
	CHECK(status_of(calls_between_vsyscalls) == SIGSEGV);
	CHECK(status_of(reads_vsyscall) == SIGSEGV);
	CHECK(status_of(vsyscall_with_bad_pointer) == SIGSEGV);
	return 0;
}

static int exec_hello32(void)
{
	const char *argv[] = { "hello32", NULL };

	execve("/bin/hello32", argv, (const char *const *)environ);
	return 1;
}

static int program_of_32_bits(void)
{
	CHECK(status_of(exec_hello32) == 0);
	return 0;
}

static unsigned int words[4] __attribute__((__aligned__(16))) = { 1, 2, 3, 4 };

/* LDT entry n: data of 16 bytes at words. */
static long ldt_data(unsigned int n, bool present)
{
	struct user_desc desc = {
		.entry_number = n, .base_addr = (unsigned int)(unsigned long)words, .limit = 15, .seg_32bit = 1,
		.seg_not_present = !present, .read_exec_only = !present,
	};

	if (!present)
		desc.base_addr = desc.limit = desc.seg_32bit = 0;
	return modify_ldt(0x11, &desc, sizeof(desc));
}

static unsigned int fs_word(unsigned long offset)
{
	unsigned int value;

	asm volatile("movl %%fs:(%1), %0" : "=r"(value) : "r"(offset));
	return value;
}

static void load_fs(unsigned int selector)
{
	asm volatile("movl %0, %%fs" : : "r"(selector));
}

static int loads_fs(void)
{
	load_fs(0x0f);
	return 0;
}

static int fs_of_child(void)
{
	return fs_word(8) == 3 && words[2] == 3 ? 0 : 1;
}

/* A segment of one's own, through switches and forks, and gone when it is cleared. */
static int ldt_segments(void)
{
	char table[64];
	int i;

	CHECK(modify_ldt(0, table, sizeof(table)) == 0);
	CHECK(ldt_data(1, true) == 0);
	load_fs(0x0f);
	for (i = 0; i < 5; i++) {
		sched_yield();
		CHECK(fs_word(0) == 1 && fs_word(12) == 4);
		CHECK(status_of(fs_of_child) == 0);
	}
	CHECK(modify_ldt(0, table, sizeof(table)) == sizeof(table) && table[8] == 15);
	load_fs(0);
	CHECK(ldt_data(1, false) == 0);
	CHECK(status_of(loads_fs) == SIGSEGV);
	return 0;
}

static int ldt_errors(void)
{
	struct user_desc desc = { .entry_number = 512, .limit = 1 };

	CHECK(modify_ldt(0x11, &desc, sizeof(desc)) == -EINVAL);
	CHECK(modify_ldt(0x11, &desc, 3) == -EINVAL);
	CHECK(modify_ldt(0x11, (void *)8, sizeof(desc)) == -EFAULT);
	CHECK(modify_ldt(7, &desc, sizeof(desc)) == -ENOSYS);
	desc.entry_number = 0;
	desc.contents = 3;
	CHECK(modify_ldt(0x11, &desc, sizeof(desc)) == -EINVAL);
	return 0;
}

static struct user_desc cleared = { .entry_number = 2, .read_exec_only = 1, .seg_not_present = 1 };

/* SS is in the LDT while a system call clears its entry: the IRETQ back to ring 3 is what faults. */
static int bad_iret_child(void)
{
	struct user_desc desc = {
		.entry_number = 2, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1,
	};
	long ret;

	modify_ldt(0x11, &desc, sizeof(desc));
	asm volatile("movl $0x17, %%ecx\n movl %%ecx, %%ss\n movl $0x11, %%ebx\n movl %2, %%ecx\n movl %3, %%edx\n int $0x80"
		     : "=a"(ret)
		     : "a"(__NR_ia32_modify_ldt), "r"((unsigned int)(unsigned long)&cleared),
		       "r"((unsigned int)sizeof(cleared))
		     : "rbx", "rcx", "rdx", "memory");
	return 0;
}

static int bad_iret(void)
{
	int status = status_of(bad_iret_child);

	CHECK(status == SIGSEGV || status == SIGBUS);
	return 0;
}

static int tls_segments(void)
{
	struct user_desc desc = {
		.entry_number = -1, .base_addr = (unsigned int)(unsigned long)words, .limit = 15, .seg_32bit = 1,
	};

	CHECK(set_thread_area(&desc) == 0 && desc.entry_number == 12);
	load_fs(12 << 3 | 3);
	sched_yield();
	CHECK(status_of(fs_of_child) == 0 && fs_word(4) == 2);
	desc.entry_number = 15;
	CHECK(set_thread_area(&desc) == -EINVAL);
	desc.entry_number = 13;
	desc.seg_32bit = 0;
	CHECK(set_thread_area(&desc) == -EINVAL);
	return 0;
}

static int reads_port_61(void)
{
	unsigned char value;

	asm volatile("inb $0x61, %0" : "=a"(value));
	return 0;
}

static int sleeps_and_reads_port_61(void)
{
	struct timespec tick = { 0, 8000000 };

	nanosleep(&tick, NULL);
	return reads_port_61();
}

static int drops_root_for_ports(void)
{
	CHECK(setuid(1000) == 0);
	CHECK(ioperm(0x61, 1, 1) == -EPERM && iopl(3) == -EPERM);
	CHECK(reads_port_61() == 0);
	return 0;
}

/* Ports belong to the task and its children, and to nobody else meanwhile. */
static int port_permissions(void)
{
	int status;
	pid_t other = fork();

	if (other == 0)
		return sleeps_and_reads_port_61();
	CHECK(ioperm(0x61, 1, 1) == 0 && reads_port_61() == 0 && status_of(reads_port_61) == 0);
	CHECK(wait4(other, &status, 0, NULL) == other && status == SIGSEGV);
	CHECK(reads_port_61() == 0);
	CHECK(status_of(drops_root_for_ports) == 0);
	CHECK(ioperm(0xffff, 2, 1) == -EINVAL && ioperm(0, 0, 1) == -EINVAL && iopl(4) == -EINVAL);
	CHECK(ioperm(0x61, 1, 0) == 0 && status_of(reads_port_61) == SIGSEGV);
	return 0;
}

const struct test entry_tests[] = {
	{ "vdso_clocks", vdso_clocks },
	{ "vdso_others", vdso_others },
	{ "vdso_is_read_only", vdso_is_read_only },
	{ "vsyscall_page", vsyscall_page },
	{ "program_of_32_bits", program_of_32_bits },
	{ "ldt_segments", ldt_segments },
	{ "ldt_errors", ldt_errors },
	{ "bad_iret", bad_iret },
	{ "tls_segments", tls_segments },
	{ "port_permissions", port_permissions },
	{ NULL, NULL },
};
