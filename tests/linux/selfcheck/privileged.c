/* Instructions that ring 3 may not execute: all #GP(0), which Linux tells as SIGSEGV without an address (SDM 3A 5.9). */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <sys/io.h>

#define POST_PORT 0x80
#define INTERRUPTS 0x200ul

#define PRIVILEGED(name, text)                                                                                        \
    SNIPPET(code_##name, text);                                                                                       \
    void check_privileged_##name(void) { expect_refused(code_##name); }

static void expect_refused(void (*code)(void))
{
    struct fault fault = fault_of_code(code);

    expect_fault(&fault, SIGSEGV, SI_KERNEL, 0);
    expect_equal("the error code", fault.error_code, 0);
    expect_equal("RIP", fault.rip - (uintptr_t)code, 0);
}

PRIVILEGED(cli, "cli")
PRIVILEGED(sti, "sti")
PRIVILEGED(hlt, "hlt")
PRIVILEGED(in, "inb $0x80, %al")
PRIVILEGED(out, "outl %eax, %dx")
PRIVILEGED(ins, "rep insb")
PRIVILEGED(outs, "outsw")
PRIVILEGED(lgdt, "lgdt (%rsp)")
PRIVILEGED(lidt, "lidt (%rsp)")
PRIVILEGED(lldt, "lldt %ax")
PRIVILEGED(ltr, "ltr %ax")
PRIVILEGED(lmsw, "lmsw %ax")
PRIVILEGED(clts, "clts")
PRIVILEGED(mov_from_cr0, "movq %cr0, %rax")
PRIVILEGED(mov_to_cr3, "movq %rax, %cr3")
PRIVILEGED(mov_from_cr4, "movq %cr4, %rax")
PRIVILEGED(mov_to_cr8, "movq %rax, %cr8")
PRIVILEGED(mov_from_dr7, "movq %dr7, %rax")
PRIVILEGED(mov_to_dr0, "movq %rax, %dr0")
PRIVILEGED(rdmsr, "rdmsr")
PRIVILEGED(wrmsr, "wrmsr")
PRIVILEGED(rdpmc, "rdpmc")
PRIVILEGED(invlpg, "invlpg (%rsp)")
PRIVILEGED(invd, "invd")
PRIVILEGED(wbinvd, "wbinvd")
PRIVILEGED(swapgs, "swapgs")
PRIVILEGED(sysret, "sysretq")
PRIVILEGED(sysexit, "sysexit")

SNIPPET(code_stac, "stac");
SNIPPET(code_out_post, "outb %al, $0x80");
SNIPPET(code_in_word, "inw $0x80, %ax");
SNIPPET(code_out_other, "outb %al, $0xed");

void check_stac_is_invalid(void)
{
    struct fault fault = fault_of_code(code_stac);

    expect_fault(&fault, SIGILL, ILL_ILLOPN, (uintptr_t)code_stac);
}

void check_popf_keeps_the_interrupt_flag(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq\nandq $~0x200, (%%rsp)\npopfq\npushfq\npopq %0" : "=r"(flags)::"memory", "cc");
    expect(flags & INTERRUPTS, "popf in ring 3 cleared IF: %#lx", flags);
}

static void expect_allowed(void (*code)(void))
{
    struct fault fault = fault_of_code(code);

    expect_equal("the signal of an allowed access", fault.signal, 0);
}

void check_ioperm(void)
{
    expect(ioperm(POST_PORT, 1, 1) == 0, "ioperm: %s", strerror(errno));
    expect_allowed(code_out_post);
    expect_refused(code_in_word); /* two ports, of which one is allowed */
    expect_refused(code_out_other);
    expect(ioperm(POST_PORT, 1, 0) == 0, "ioperm: %s", strerror(errno));
    expect_refused(code_out_post);
}

void check_iopl(void)
{
    expect(iopl(3) == 0, "iopl: %s", strerror(errno));
    expect_allowed(code_out_other);
    expect_allowed(code_in_word);
    expect_refused(code_hlt); /* Linux grants the ports alone since 5.5 */
    expect(iopl(0) == 0, "iopl: %s", strerror(errno));
    expect_refused(code_out_other);
}
