/* Tests of traps: which instruction ends in which signal, and which gates ring 3 may use. */
#include "usertests.h"

#include <unistd.h>

/* A test that a child running the assembly ends by the signal. */
#define DIES(name, signal, ...)					\
	static int name##_child(void)				\
	{							\
		asm volatile(__VA_ARGS__);			\
		return 0;					\
	}							\
								\
	static int name(void)					\
	{							\
		CHECK(status_of(name##_child) == (signal));	\
		return 0;					\
	}

DIES(cli_dies, SIGSEGV, "cli")
DIES(sti_dies, SIGSEGV, "sti")
DIES(hlt_dies, SIGSEGV, "hlt")
DIES(in_dies, SIGSEGV, "inb $0x60, %%al" ::: "rax")
DIES(out_dies, SIGSEGV, "outb %%al, $0xf4" ::)
DIES(lgdt_dies, SIGSEGV, "lgdt (%%rsp)" ::)
DIES(lidt_dies, SIGSEGV, "lidt (%%rsp)" ::)
DIES(ltr_dies, SIGSEGV, "movl $0x40, %%eax\n ltr %%ax" ::: "rax")
DIES(read_cr0_dies, SIGSEGV, "movq %%cr0, %%rax" ::: "rax")
DIES(write_cr3_dies, SIGSEGV, "xorl %%eax, %%eax\n movq %%rax, %%cr3" ::: "rax")
DIES(read_dr7_dies, SIGSEGV, "movq %%dr7, %%rax" ::: "rax")
DIES(rdmsr_dies, SIGSEGV, "movl $0xc0000080, %%ecx\n rdmsr" ::: "rax", "rcx", "rdx")
DIES(wrmsr_dies, SIGSEGV, "movl $0xc0000080, %%ecx\n wrmsr" ::: "rax", "rcx", "rdx")
DIES(swapgs_dies, SIGSEGV, "swapgs")
DIES(invlpg_dies, SIGSEGV, "invlpg (%%rsp)" ::)
DIES(iret_to_ring0_dies, SIGSEGV,
     "movl $0x18, %%eax\n pushq %%rax\n pushq %%rsp\n pushfq\n pushq $0x10\n leaq 1f(%%rip), %%rax\n"
     "pushq %%rax\n iretq\n 1:" ::: "rax")
DIES(load_kernel_ss_dies, SIGSEGV, "movl $0x18, %%eax\n movl %%eax, %%ss" ::: "rax")
DIES(far_jump_to_kernel_cs_dies, SIGSEGV, "pushq $0x10\n leaq 1f(%%rip), %%rax\n pushq %%rax\n lretq\n 1:" ::: "rax")
DIES(divide_dies, SIGFPE, "xorl %%ecx, %%ecx\n divl %%ecx" ::: "rax", "rcx", "rdx")
DIES(ud2_dies, SIGILL, "ud2")
DIES(int3_dies, SIGTRAP, "int3")
DIES(int4_dies, SIGSEGV, "int $4")
DIES(int_page_fault_dies, SIGSEGV, "int $14")
DIES(int_timer_dies, SIGSEGV, "int $0x30")
DIES(int_unused_dies, SIGSEGV, "int $0x99")
DIES(trap_flag_dies, SIGTRAP, "pushfq\n orq $0x100, (%%rsp)\n popfq\n nop" ::)

static long int80(long nr, long ebx, long ecx, long edx)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(ebx), "c"(ecx), "d"(edx) : "memory");
	return ret;
}

static int sysenter_child(void)
{
	asm volatile("sysenter");
	return 0;
}

/* Not set up: #GP on Intel's processors, an invalid opcode in 64-bit mode on AMD's. */
static int sysenter_dies(void)
{
	int status = status_of(sysenter_child);

	CHECK(status == SIGSEGV || status == SIGILL);
	return 0;
}

/* Number and arguments are cut to 32 bits. */
static int int80_is_i386(void)
{
	CHECK(int80(__NR_ia32_getpid, 0, 0, 0) == getpid());
	CHECK(int80(0x100000000 | __NR_ia32_getpid, 0, 0, 0) == getpid());
	CHECK(int80(__NR_ia32_close, 0x100000000 | 77, 0, 0) == -EBADF);
	CHECK(int80(__NR_ia32_open, 0x10000000, 0, 0) == -EFAULT);
	CHECK(int80(5000, 0, 0, 0) == -ENOSYS);
	CHECK(int80(-1, 0, 0, 0) == -ENOSYS);
	return 0;
}

static const char echo_path[] = "/bin/echo";
static unsigned int compat_argv[3];
static unsigned int compat_envp[1];

static int int80_execve_child(void)
{
	compat_argv[0] = (unsigned int)(unsigned long)echo_path;
	int80(__NR_ia32_execve, (long)echo_path, (long)compat_argv, (long)compat_envp);
	return 1;
}

/* argv holds 32-bit pointers there. */
static int int80_execve(void)
{
	CHECK(status_of(int80_execve_child) == 0);
	return 0;
}

/* Flags that ring 3 may set do not follow it into the kernel, and come back. */
static int flags_survive(void)
{
	unsigned long flags;

	asm volatile("std\n syscall\n pushfq\n popq %0\n cld" : "=r"(flags) : "a"(__NR_getpid) : "rcx", "r11", "memory");
	CHECK(flags & 0x400);
	asm volatile("pushfq\n orq $0x44000, (%%rsp)\n popfq\n movl %1, %%eax\n syscall\n pushfq\n popq %0\n"
		     "pushq $0x202\n popfq"
		     : "=r"(flags) : "i"(__NR_getpid) : "rax", "rcx", "r11", "memory");
	CHECK((flags & 0x44000) == 0x44000);
	return 0;
}

const struct test trap_tests[] = {
	{ "cli_dies", cli_dies },
	{ "sti_dies", sti_dies },
	{ "hlt_dies", hlt_dies },
	{ "in_dies", in_dies },
	{ "out_dies", out_dies },
	{ "lgdt_dies", lgdt_dies },
	{ "lidt_dies", lidt_dies },
	{ "ltr_dies", ltr_dies },
	{ "read_cr0_dies", read_cr0_dies },
	{ "write_cr3_dies", write_cr3_dies },
	{ "read_dr7_dies", read_dr7_dies },
	{ "rdmsr_dies", rdmsr_dies },
	{ "wrmsr_dies", wrmsr_dies },
	{ "swapgs_dies", swapgs_dies },
	{ "invlpg_dies", invlpg_dies },
	{ "iret_to_ring0_dies", iret_to_ring0_dies },
	{ "load_kernel_ss_dies", load_kernel_ss_dies },
	{ "far_jump_to_kernel_cs_dies", far_jump_to_kernel_cs_dies },
	{ "divide_dies", divide_dies },
	{ "ud2_dies", ud2_dies },
	{ "int3_dies", int3_dies },
	{ "int4_dies", int4_dies },
	{ "int_page_fault_dies", int_page_fault_dies },
	{ "int_timer_dies", int_timer_dies },
	{ "int_unused_dies", int_unused_dies },
	{ "trap_flag_dies", trap_flag_dies },
	{ "sysenter_dies", sysenter_dies },
	{ "int80_is_i386", int80_is_i386 },
	{ "int80_execve", int80_execve },
	{ "flags_survive", flags_survive },
	{ NULL, NULL },
};
