/* Far transfers within ring 3: their stack accesses have ring 3's rights (SDM 2A, CALL, RET, IRET). */
#include "check.h"

#include <string.h>
#include <sys/mman.h>

enum { READ_WRITE = PROT_READ | PROT_WRITE, ROOM = 64 };
enum { CODE_32 = 0x23 };

static const unsigned char CODE[] = {
    0x40,       /* inc %eax; a REX prefix in 64 bits */
    0x8c, 0xcb, /* mov %cs, %ebx */
    0xcb,       /* lretl */
};

/* Call 32-bit code on a stack below 4 GiB: this program is linked there too, so that its address fits. */
static void call_32_bits(void *top)
{
    unsigned char *code = map(PAGE, READ_WRITE | PROT_EXEC, MAP_32BIT);
    uint64_t eax = 41, selector;
    struct {
        uint32_t offset;
        uint16_t selector;
    } __attribute__((packed)) far = {(uintptr_t)code, CODE_32};

    memcpy(code, CODE, sizeof CODE);
    __asm__ volatile("movq %%rsp, %%r12\nmovq %2, %%rsp\nlcalll *(%3)\nmovq %%r12, %%rsp"
                     : "+a"(eax), "=&b"(selector)
                     : "r"(top), "r"(&far)
                     : "r12", "memory", "cc");
    expect_equal("EAX", eax, 42);
    expect_equal("CS", selector & 0xffff, CODE_32);
}

void check_far_call_to_32_bits(void)
{
    unsigned char *stack = map(PAGE, READ_WRITE, MAP_32BIT);

    stack[0] = 1; /* the page is there */
    call_32_bits(stack + PAGE - ROOM);
}

void check_far_call_grows_the_stack(void)
{
    unsigned char *stack = map(PAGE, READ_WRITE, MAP_32BIT);

    call_32_bits(stack + PAGE - ROOM);
}

void check_far_return_in_ring_3(void)
{
    uint64_t reached = 0;

    __asm__ volatile("movl $0x33, %%ecx\npushq %%rcx\nleaq 1f(%%rip), %%rcx\npushq %%rcx\nlretq\nud2\n1: movl $1, %k0"
                     : "+r"(reached)::"rcx", "memory");
    expect_equal("the instruction behind", reached, 1);
}

void check_iret_in_ring_3(void)
{
    uint64_t reached = 0;

    __asm__ volatile("movq %%rsp, %%rdx\npushq $0x2b\npushq %%rdx\npushfq\npushq $0x33\nleaq 1f(%%rip), %%rcx\n"
                     "pushq %%rcx\niretq\nud2\n1: movl $1, %k0"
                     : "+r"(reached)::"rcx", "rdx", "memory", "cc");
    expect_equal("the instruction behind", reached, 1);
}

SNIPPET(return_far, "movq $0xffffffff81000000, %rsp\nlretq");

/* Ring 3 may not read there, by whatever instruction. */
void check_far_return_by_kernel_memory(void)
{
    struct fault fault = fault_of_code(return_far);

    /* which of the two words is read first is the processor's choice */
    expect_fault(&fault, SIGSEGV, SEGV_MAPERR, 0xffffffff81000000 | (fault.address & 8));
}
