/* Exceptions from ring 3 and the signals that Linux makes of them (SDM 3A 6.15; arch/x86/kernel/traps.c). */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NON_CANONICAL 0x800000000000ul
#define KERNEL_ADDRESS 0xffffffff81000000ul
#define CARRY 1ul
#define DIRECTION 0x400ul

enum { VECTOR_DE = 0, VECTOR_DB = 1, VECTOR_BP = 3, VECTOR_UD = 6, VECTOR_GP = 13, VECTOR_PF = 14 };
enum { NOT_PRESENT = 0, PRESENT = 1, WRITE = 2, USER = 4, FETCH = 16 }; /* of a page fault's error code */

static void read_byte(void *at)
{
    __asm__ volatile("movb (%0), %%al" ::"r"(at) : "rax", "memory");
}

static void read_eight(void *at)
{
    __asm__ volatile("movq (%0), %%rax" ::"r"(at) : "rax", "memory");
}

static void write_byte(void *at)
{
    __asm__ volatile("movb $1, (%0)" ::"r"(at) : "memory");
}

static void jump(void *to)
{
    __asm__ volatile("call *%0" ::"r"(to) : "memory");
}

static void push_at(void *stack)
{
    __asm__ volatile("movq %%rsp, %%rbx\nmovq %0, %%rsp\npushq $1\nmovq %%rbx, %%rsp" ::"r"(stack) : "rbx", "memory");
}

static void expect_page_fault(void (*function)(void *), uintptr_t at, int code, uintptr_t error_code)
{
    struct fault fault = fault_of(function, (void *)at);

    expect_fault(&fault, SIGSEGV, code, at);
    expect_equal("the vector", fault.vector, VECTOR_PF);
    expect_equal("the error code", fault.error_code, error_code);
}

static void expect_protection(void (*function)(void *), uintptr_t argument)
{
    struct fault fault = fault_of(function, (void *)argument);

    expect_fault(&fault, SIGSEGV, SI_KERNEL, 0);
    expect_equal("the vector", fault.vector, VECTOR_GP);
}

void check_read_null(void) { expect_page_fault(read_byte, 0, SEGV_MAPERR, USER | NOT_PRESENT); }

void check_read_kernel_address(void)
{
    struct fault fault = fault_of(read_byte, (void *)KERNEL_ADDRESS);

    expect_fault(&fault, SIGSEGV, SEGV_MAPERR, KERNEL_ADDRESS);
    expect_equal("the error code", fault.error_code, USER | PRESENT); /* as if present, whatever is there */
}

void check_write_read_only(void)
{
    uintptr_t at = (uintptr_t)map(PAGE, PROT_READ, 0) + 123;

    read_byte((void *)at);
    expect_page_fault(write_byte, at, SEGV_ACCERR, USER | WRITE | PRESENT);
}

void check_read_no_access(void)
{
    expect_page_fault(read_byte, (uintptr_t)map(PAGE, PROT_NONE, 0), SEGV_ACCERR, USER | NOT_PRESENT);
}

void check_execute_no_execute(void)
{
    unsigned char *page = map(PAGE, PROT_READ | PROT_WRITE, 0);

    page[0] = 0xc3;
    expect_page_fault(jump, (uintptr_t)page, SEGV_ACCERR, USER | FETCH | PRESENT);
}

void check_execute_unmapped(void)
{
    uintptr_t at = (uintptr_t)map(PAGE, PROT_NONE, 0);

    munmap((void *)at, PAGE);
    expect_page_fault(jump, at + 5, SEGV_MAPERR, USER | FETCH);
}

void check_read_non_canonical(void) { expect_protection(read_byte, NON_CANONICAL); }

void check_jump_non_canonical(void) { expect_protection(jump, NON_CANONICAL); }

void check_stack_non_canonical(void)
{
    struct fault fault = fault_of(push_at, (void *)(NON_CANONICAL + 64));

    expect_fault(&fault, SIGBUS, SI_KERNEL, 0); /* #SS */
}

void check_call_null(void)
{
    struct fault fault = fault_of(jump, NULL);

    expect_fault(&fault, SIGSEGV, SEGV_MAPERR, 0);
    expect_equal("RIP", fault.rip, 0);
    expect_equal("the error code", fault.error_code, USER | FETCH);
}

void check_access_across_a_hole(void)
{
    uintptr_t at = (uintptr_t)map(2 * PAGE, PROT_READ | PROT_WRITE, 0);

    munmap((void *)(at + PAGE), PAGE);
    struct fault fault = fault_of(read_eight, (void *)(at + PAGE - 3));
    expect_fault(&fault, SIGSEGV, SEGV_MAPERR, at + PAGE);
}

static void open_page(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    uintptr_t page = (uintptr_t)info->si_addr & -PAGE;
    if (mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) != 0)
        fail("a fault at %p", info->si_addr);
}

void check_fault_and_retry(void)
{
    enum { PAGES = 64 };
    unsigned char *pages = map(PAGES * PAGE, PROT_NONE, 0);

    handle(SIGSEGV, open_page, 0);
    for (size_t i = 0; i < PAGES; i++) {
        uint64_t value = 41 + i;
        uint64_t *word = (uint64_t *)(pages + i * PAGE + 8 * i);
        __asm__ volatile("xaddq %0, %1" : "+r"(value), "+m"(*word)); /* must happen once, after the fault */
        expect_equal("what was there", value, 0);
        expect_equal("what was added", *word, 41 + i);
    }
}

void check_string_copy_resumes(void)
{
    enum { LENGTH = 5 * PAGE + 77 };
    unsigned char *from = map(8 * PAGE, PROT_READ | PROT_WRITE, 0), *to = map(8 * PAGE, PROT_NONE, 0);
    void *rsi = from + 9, *rdi = to + 5;
    size_t rcx = LENGTH;

    for (size_t i = 0; i < 8 * PAGE; i++)
        from[i] = i * 7 + i / 256;
    handle(SIGSEGV, open_page, 0);
    __asm__ volatile("rep movsb" : "+S"(rsi), "+D"(rdi), "+c"(rcx)::"memory");
    expect_equal("RCX", rcx, 0);
    expect_equal("RDI", (uintptr_t)rdi, (uintptr_t)to + 5 + LENGTH);
    expect(memcmp(from + 9, to + 5, LENGTH) == 0, "the copy differs");
    expect_equal("the byte behind it", to[5 + LENGTH], 0);
}

SNIPPET(divide_zero, "xorl %ecx, %ecx\nmovl $1, %eax\ncltd\n idivl %ecx");
SNIPPET(divide_minimum, "movl $0x80000000, %eax\ncltd\nmovl $-1, %ecx\n idivl %ecx");
SNIPPET(invalid, "ud2");
SNIPPET(int3_code, "int3");
SNIPPET(int1_code, ".byte 0xf1");
SNIPPET(int_0x20, "int $0x20");
SNIPPET(trap_one, "pushfq\norq $0x100, (%rsp)\npopfq\nnop\nnop");

static void expect_at(void (*code)(void), size_t offset, int signal, int why, bool tells_address)
{
    struct fault fault = fault_of_code(code);

    expect_fault(&fault, signal, why, tells_address ? (uintptr_t)code + offset : 0);
    expect_equal("RIP", fault.rip - (uintptr_t)code, offset);
}

void check_divide_by_zero(void) { expect_at(divide_zero, 8, SIGFPE, FPE_INTDIV, true); }
void check_divide_overflow(void) { expect_at(divide_minimum, 11, SIGFPE, FPE_INTDIV, true); }
void check_invalid_opcode(void) { expect_at(invalid, 0, SIGILL, ILL_ILLOPN, true); }
void check_breakpoint_instruction(void) { expect_at(int3_code, 1, SIGTRAP, SI_KERNEL, false); }

void check_int1_instruction(void)
{
    struct fault fault = fault_of_code(int1_code);

    expect(fault.signal == SIGTRAP && fault.code == TRAP_BRKPT, "signal %d code %d, not SIGTRAP", fault.signal,
           fault.code);
}

void check_int_without_gate(void)
{
    struct fault fault = fault_of_code(int_0x20);

    expect_fault(&fault, SIGSEGV, SI_KERNEL, 0);
    expect_equal("RIP", fault.rip - (uintptr_t)int_0x20, 0);
    expect_equal("the error code", fault.error_code, 0x20 << 3 | 2);
}

void check_trap_flag(void)
{
    /* popfq itself does not trap: the first trap comes behind the instruction after it */
    uintptr_t length_to_behind_nop = 1 + 8 + 1 + 1;
    struct fault fault = fault_of_code(trap_one);

    expect_fault(&fault, SIGTRAP, TRAP_TRACE, (uintptr_t)trap_one + length_to_behind_nop);
    expect_equal("the vector", fault.vector, VECTOR_DB);
}

SNIPPET(misaligned_load, "pushfq\norq $0x40000, (%rsp)\npopfq\nmovl -7(%rsp), %eax\n"
                         "pushfq\nandq $~0x40000, (%rsp)\npopfq");

static void load_misaligned(void *unused)
{
    (void)unused;
    misaligned_load();
}

void check_alignment_check(void)
{
    int status = status_of(spawn(load_misaligned, NULL)); /* a handler would run with the flag still set */

    expect_equal("the status word", status, SIGBUS);
}

SNIPPET(sse_divide, "movl $0x1d80, -4(%rsp)\nldmxcsr -4(%rsp)\nmovl $1, %eax\ncvtsi2ss %eax, %xmm1\n"
                    "xorps %xmm0, %xmm0\ndivss %xmm0, %xmm1\nmovl $0x1f80, -4(%rsp)\nldmxcsr -4(%rsp)");
SNIPPET(x87_divide, "fninit\nmovw $0x37b, -2(%rsp)\nfldcw -2(%rsp)\nfldz\nfld1\nfdiv %st(1), %st\nfwait\nfninit");
SNIPPET(movaps_misaligned, "movaps -31(%rsp), %xmm0");

void check_sse_exception(void)
{
    struct fault fault = fault_of_code(sse_divide);

    expect(fault.signal == SIGFPE && fault.code == FPE_FLTDIV, "signal %d code %d, not SIGFPE", fault.signal,
           fault.code);
}

void check_x87_exception(void)
{
    struct fault fault = fault_of_code(x87_divide);

    expect(fault.signal == SIGFPE && fault.code == FPE_FLTDIV, "signal %d code %d, not SIGFPE", fault.signal,
           fault.code);
}

void check_misaligned_movaps(void)
{
    struct fault fault = fault_of_code(movaps_misaligned);

    expect_fault(&fault, SIGSEGV, SI_KERNEL, 0);
}

SNIPPET(load_bad_selector, "movl $0x1230, %eax\nmovl %eax, %gs");

void check_bad_selector(void)
{
    struct fault fault = fault_of_code(load_bad_selector);

    expect_fault(&fault, SIGSEGV, SI_KERNEL, 0);
    expect_equal("the error code", fault.error_code, 0x1230);
}

void check_bad_pointers_to_system_calls(void)
{
    void *hole = map(PAGE, PROT_NONE, 0);
    char *edge = (char *)map(2 * PAGE, PROT_READ | PROT_WRITE, 0) + PAGE;
    int file = memfd_create("selfcheck", 0), ends[2];

    munmap(edge, PAGE);
    expect(pipe(ends) == 0 && file >= 0, "no pipe, or no file");
    const uintptr_t bad[] = {0, (uintptr_t)hole, (uintptr_t)edge, NON_CANONICAL, KERNEL_ADDRESS, ~0ul};
    for (size_t i = 0; i < length_of(bad); i++) {
        expect_equal("write() from a bad pointer", syscall(SYS_write, ends[1], bad[i], 5), -1);
        expect_equal("errno", errno, EFAULT);
        expect_equal("pipe() to a bad pointer", syscall(SYS_pipe, bad[i]), -1);
        expect_equal("errno", errno, EFAULT);
    }
    /* a copy that reaches the hole is cut there */
    expect_equal("write() up to a hole", write(file, edge - 3, 100), 3);
}

static void spoil_frame(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)NON_CANONICAL;
}

static void return_to_nowhere(void *unused)
{
    (void)unused;
    handle(SIGUSR1, spoil_frame, 0);
    raise(SIGUSR1);
}

void check_sigreturn_to_a_bad_frame(void)
{
    struct fault fault = fault_of(return_to_nowhere, NULL);

    expect(fault.signal == SIGSEGV, "signal %d, not SIGSEGV", fault.signal);
    expect_equal("RIP", fault.rip, NON_CANONICAL);
}
