/* That what a program has in its registers is there again behind system calls, faults, signals and other processes. */
#include "check.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, GENERAL = 16, BUSY_MILLISECONDS = 150 };
enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15 };
#define STATUS_FLAGS 0x8d5ul /* CF PF AF ZF SF OF */
#define DIRECTION 0x400ul

/*
 * Load all registers but RSP from registers[], with the status flags of flags, run the instruction behind it, and
 * store them back. RAX is the number of a system call where there is one.
 */
uint64_t registers[GENERAL], flags_before, flags_after, stack_before; /* named in the assembly text */

#define EXCHANGE(name, instruction)                                                                                   \
    void name(void);                                                                                                  \
    __asm__(".pushsection .text\n" #name ":\n"                                                                        \
            "pushq %rbx\npushq %rbp\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"                                \
            "movq %rsp, stack_before(%rip)\n"                                                                         \
            "pushq flags_before(%rip)\npopfq\n"                                                                       \
            "movq registers+0(%rip), %rax\nmovq registers+8(%rip), %rbx\nmovq registers+16(%rip), %rcx\n"             \
            "movq registers+24(%rip), %rdx\nmovq registers+32(%rip), %rsi\nmovq registers+40(%rip), %rdi\n"           \
            "movq registers+48(%rip), %rbp\nmovq registers+64(%rip), %r8\nmovq registers+72(%rip), %r9\n"             \
            "movq registers+80(%rip), %r10\nmovq registers+88(%rip), %r11\nmovq registers+96(%rip), %r12\n"           \
            "movq registers+104(%rip), %r13\nmovq registers+112(%rip), %r14\nmovq registers+120(%rip), %r15\n"        \
            ".globl " #name "_at\n" #name "_at:\n" instruction "\n.globl " #name "_behind\n" #name "_behind:\n"       \
            "movq %rax, registers+0(%rip)\nmovq %rbx, registers+8(%rip)\nmovq %rcx, registers+16(%rip)\n"             \
            "movq %rdx, registers+24(%rip)\nmovq %rsi, registers+32(%rip)\nmovq %rdi, registers+40(%rip)\n"           \
            "movq %rbp, registers+48(%rip)\nmovq %rsp, registers+56(%rip)\nmovq %r8, registers+64(%rip)\n"            \
            "movq %r9, registers+72(%rip)\nmovq %r10, registers+80(%rip)\nmovq %r11, registers+88(%rip)\n"            \
            "movq %r12, registers+96(%rip)\nmovq %r13, registers+104(%rip)\nmovq %r14, registers+112(%rip)\n"         \
            "movq %r15, registers+120(%rip)\n"                                                                        \
            "movq stack_before(%rip), %rsp\n"                                                                         \
            "pushfq\npopq flags_after(%rip)\ncld\n"                                                                   \
            "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbp\npopq %rbx\nret\n.popsection");                    \
    extern const char name##_at[], name##_behind[]

EXCHANGE(by_system_call, "syscall");
EXCHANGE(by_fault, "ud2");
EXCHANGE(by_loop, "movl $20000, %eax\n1: decl %eax\njnz 1b\nmovq registers+0(%rip), %rax");
EXCHANGE(by_int80, "int $0x80");

static void fill(uint64_t seed, uint64_t rax)
{
    for (int i = 0; i < GENERAL; i++)
        registers[i] = (seed + i) * 0x9e3779b97f4a7c15ul;
    registers[RAX] = rax;
    flags_before = 2 | ((seed & 1) ? STATUS_FLAGS : 0);
}

/* Compare with what fill() gave; `except` is a set of bits. */
static void expect_kept(uint64_t seed, unsigned except)
{
    char what[32];

    for (int i = 0; i < GENERAL; i++) {
        if (i == RSP || except & 1u << i)
            continue;
        snprintf(what, sizeof what, "register %d", i);
        expect_equal(what, registers[i], (seed + i) * 0x9e3779b97f4a7c15ul);
    }
    expect_equal("RSP", registers[RSP], stack_before);
}

void check_sysret_keeps_registers(void)
{
    for (uint64_t seed = 1; seed < 50; seed++) {
        fill(seed, SYS_getppid);
        by_system_call();
        expect_kept(seed, 1u << RAX | 1u << RCX | 1u << R11);
        expect_equal("RAX", registers[RAX], getppid());
        expect_equal("RCX", registers[RCX], (uintptr_t)by_system_call_behind);
        expect_equal("R11", registers[R11] & STATUS_FLAGS, flags_before & STATUS_FLAGS);
        expect_equal("the flags", flags_after & STATUS_FLAGS, flags_before & STATUS_FLAGS);
    }
}

static uint64_t seen_by_handler[GENERAL];

static void skip_ud2(int signal, siginfo_t *info, void *context)
{
    static const int ORDER[GENERAL] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
                                       REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    greg_t *at_fault = ((ucontext_t *)context)->uc_mcontext.gregs;

    (void)signal, (void)info;
    for (int i = 0; i < GENERAL; i++)
        seen_by_handler[i] = at_fault[ORDER[i]];
    at_fault[REG_RIP] += 2;
}

void check_iret_keeps_registers(void)
{
    handle(SIGILL, skip_ud2, 0);
    for (uint64_t seed = 1; seed < 50; seed++) {
        fill(seed, 0);
        registers[RAX] = seed * 0x9e3779b97f4a7c15ul;
        by_fault();
        expect_kept(seed, 0);
        expect(memcmp(seen_by_handler, registers, sizeof registers) == 0, "the handler saw other registers");
        expect_equal("the flags", flags_after & STATUS_FLAGS, flags_before & STATUS_FLAGS);
    }
}

void check_int80_from_64_bits(void)
{
    enum { COMPAT_GETPPID = 64 };

    fill(1, COMPAT_GETPPID);
    by_int80();
    expect_equal("RAX", registers[RAX], getppid());
    expect_kept(1, 1u << RAX);
    fill(1, 0x100000000ul | COMPAT_GETPPID); /* the number is 32 bits wide there */
    by_int80();
    expect_equal("RAX", registers[RAX], getppid());
}

static void keep_registers(void *number)
{
    uint64_t seed = (uintptr_t)number + 1;

    for (long long end = now() + BUSY_MILLISECONDS * MILLISECOND; now() < end; seed += PROCESSES) {
        fill(seed, seed * 0x9e3779b97f4a7c15ul);
        by_loop();
        expect_kept(seed, 0);
    }
}

static void in_several_processes(void (*function)(void *))
{
    pid_t children[PROCESSES];

    for (uintptr_t i = 0; i < PROCESSES; i++)
        children[i] = spawn(function, (void *)i);
    for (int i = 0; i < PROCESSES; i++)
        expect_success(children[i]);
}

void check_preemption_keeps_registers(void) { in_several_processes(keep_registers); }

/* SDM 1 10.5.1: the image of FXSAVE. */
struct fpu {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved;
    uint16_t fop;
    uint64_t rip, rdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16], xmm[16][16];
    uint8_t rest[96];
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct fpu) == 512, "FXSAVE stores 512 bytes");

static void fill_fpu(struct fpu *fpu, unsigned seed)
{
    *fpu = (struct fpu){.fcw = seed & 1 ? 0x37f : 0xf7f, .ftw = 0xff, .mxcsr = seed & 1 ? 0x1f80 : 0x7fa5};
    for (int i = 0; i < 8; i++) {
        memset(fpu->st[i], seed + i, 8);
        fpu->st[i][7] |= 0x80; /* a normal number, so that nothing may change it */
        fpu->st[i][8] = seed + i, fpu->st[i][9] = 0x3f;
    }
    for (int i = 0; i < 16; i++)
        memset(fpu->xmm[i], seed * 16 + i, 16);
}

static const char *difference(const struct fpu *one, const struct fpu *other)
{
    if (one->fcw != other->fcw)
        return "the x87 control word";
    if (one->ftw != other->ftw)
        return "the x87 tags";
    if (one->mxcsr != other->mxcsr)
        return "MXCSR";
    for (int i = 0; i < 8; i++)
        if (memcmp(one->st[i], other->st[i], 10) != 0)
            return "an x87 register";
    return memcmp(one->xmm, other->xmm, sizeof one->xmm) != 0 ? "an XMM register" : NULL;
}

static void expect_fpu(const struct fpu *wanted, const struct fpu *got)
{
    const char *what = difference(wanted, got);

    expect(what == NULL, "%s differs", what);
}

static void keep_fpu(void *number)
{
    unsigned seed = (uintptr_t)number + 1;
    struct fpu mine, then, initial;

    __asm__ volatile("fxsave64 %0" : "=m"(initial));
    for (long long end = now() + BUSY_MILLISECONDS * MILLISECOND; now() < end; seed += PROCESSES) {
        uint64_t turns = 100000;
        fill_fpu(&mine, seed);
        __asm__ volatile("fxrstor64 %3\n1: decq %0\njnz 1b\nfxsave64 %1\nfxrstor64 %2"
                         : "+r"(turns), "=m"(then)
                         : "m"(initial), "m"(mine));
        expect_fpu(&mine, &then);
    }
}

void check_preemption_keeps_fpu(void) { in_several_processes(keep_fpu); }

static struct fpu seen_fpu;
static volatile int handled;

static void spoil_fpu(int signal, siginfo_t *info, void *context)
{
    struct fpu other;

    (void)signal, (void)info;
    memcpy(&seen_fpu, ((ucontext_t *)context)->uc_mcontext.fpregs, sizeof seen_fpu);
    fill_fpu(&other, 77);
    __asm__ volatile("fxrstor64 %0" ::"m"(other));
    handled++;
}

void check_signal_keeps_fpu(void)
{
    struct itimerval every = {{0, 3000}, {0, 3000}};
    struct fpu initial, mine, then;

    __asm__ volatile("fxsave64 %0" : "=m"(initial));
    handle(SIGALRM, spoil_fpu, SA_RESTART);
    setitimer(ITIMER_REAL, &every, NULL);
    for (unsigned seed = 1; handled < 20; seed++) {
        uint64_t turns = 200000;
        fill_fpu(&mine, seed);
        __asm__ volatile("fxrstor64 %3\n1: decq %0\njnz 1b\nfxsave64 %1\nfxrstor64 %2"
                         : "+r"(turns), "=m"(then)
                         : "m"(initial), "m"(mine));
        expect_fpu(&mine, &then);
    }
}

static void change_fpu(int signal, siginfo_t *info, void *context)
{
    struct fpu *frame = (struct fpu *)((ucontext_t *)context)->uc_mcontext.fpregs;

    (void)signal, (void)info;
    seen_fpu = *frame;
    memset(frame->xmm[3], 0xa5, 16);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

void check_signal_shows_fpu(void)
{
    struct fpu initial, mine, then;

    __asm__ volatile("fxsave64 %0" : "=m"(initial));
    handle(SIGILL, change_fpu, 0);
    fill_fpu(&mine, 3);
    __asm__ volatile("fxrstor64 %2\nud2\nfxsave64 %0\nfxrstor64 %1" : "=m"(then) : "m"(initial), "m"(mine) : "memory");
    expect_fpu(&mine, &seen_fpu);
    memset(mine.xmm[3], 0xa5, 16);
    expect_fpu(&mine, &then);
}

static volatile uint64_t flags_in_handler;

static void look_at_flags(int signal, siginfo_t *info, void *context)
{
    uint64_t flags;

    (void)signal, (void)info;
    __asm__ volatile("pushfq\npopq %0" : "=r"(flags));
    flags_in_handler = flags;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

void check_signal_clears_direction(void)
{
    uint64_t after;

    handle(SIGILL, look_at_flags, 0);
    __asm__ volatile("std\nud2\npushfq\npopq %0\ncld" : "=r"(after)::"memory", "cc");
    expect_equal("DF in the handler", flags_in_handler & DIRECTION, 0);
    expect_equal("DF behind it", after & DIRECTION, DIRECTION);
}

/* Executed again by check_exec_resets_fpu. */
void executed_fresh_fpu(void)
{
    struct fpu fpu;

    __asm__ volatile("fxsave64 %0" : "=m"(fpu));
    expect_equal("the x87 control word", fpu.fcw, 0x37f);
    expect_equal("the x87 tags", fpu.ftw, 0);
    expect_equal("MXCSR", fpu.mxcsr, 0x1f80);
}

static void exec_with_odd_fpu(void *unused)
{
    struct fpu odd;

    (void)unused;
    fill_fpu(&odd, 2);
    __asm__ volatile("fxrstor64 %0" ::"m"(odd));
    execl(program, program, "--exec", "fresh_fpu", (char *)NULL);
    _exit(3);
}

void check_exec_resets_fpu(void) { expect_success(spawn(exec_with_odd_fpu, NULL)); }

static uint64_t read_gs(void)
{
    uint64_t value;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(value));
    return value;
}

static void keep_gs(void *number)
{
    uint64_t mine[2] = {0x1000 + (uintptr_t)number, 0};
    unsigned long base;

    expect(syscall(SYS_arch_prctl, ARCH_SET_GS, mine) == 0, "ARCH_SET_GS failed");
    for (long long end = now() + 50 * MILLISECOND; now() < end;)
        expect_equal("the word at GS", read_gs(), mine[0]);
    expect(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0, "ARCH_GET_GS failed");
    expect_equal("the base of GS", base, (uintptr_t)mine);
}

void check_fs_and_gs_base(void)
{
    unsigned long base;
    uint64_t self;

    expect(syscall(SYS_arch_prctl, ARCH_GET_FS, &base) == 0, "ARCH_GET_FS failed");
    __asm__ volatile("movq %%fs:0, %0" : "=r"(self)); /* the thread block begins with its own address */
    expect_equal("the base of FS", base, self);
    expect_equal("ARCH_SET_GS beyond user space", syscall(SYS_arch_prctl, ARCH_SET_GS, 1ul << 63), -1);
    in_several_processes(keep_gs);
}

void check_local_descriptor_table(void)
{
    uint32_t *segment = map(PAGE, PROT_READ | PROT_WRITE, MAP_32BIT), value;
    struct user_desc entry = {.entry_number = 5, .base_addr = (uintptr_t)segment, .limit = 15, .seg_32bit = 1};
    unsigned selector = 5 << 3 | 7;

    segment[3] = 0xfeedface;
    expect(syscall(SYS_modify_ldt, 0x11, &entry, sizeof entry) == 0, "modify_ldt failed: errno %d", errno);
    __asm__ volatile("movl %1, %%gs\nmovl %%gs:12, %0" : "=r"(value) : "r"(selector));
    expect_equal("the word in the segment", value, 0xfeedface);
    for (long long end = now() + 20 * MILLISECOND; now() < end;)
        usleep(1000); /* other processes run, and the selector comes back with its base */
    __asm__ volatile("movl %%gs:12, %0" : "=r"(value));
    expect_equal("the word after a switch", value, 0xfeedface);
}

#define NESTED_TASK 0x4000ul
#define ALIGNMENT 0x40000ul
#define IDENTIFICATION 0x200000ul

void check_odd_flags_into_a_system_call(void)
{
    static const uint64_t FLAGS[] = {NESTED_TASK, DIRECTION, ALIGNMENT, IDENTIFICATION, NESTED_TASK | DIRECTION};

    for (size_t i = 0; i < length_of(FLAGS); i++) {
        uint64_t after, result = SYS_getppid;
        __asm__ volatile("pushfq\norq %2, (%%rsp)\npopfq\nsyscall\npushfq\npopq %1\npushq $2\npopfq"
                         : "+a"(result), "=&r"(after)
                         : "r"(FLAGS[i])
                         : "rcx", "r11", "memory", "cc");
        expect_equal("the call's result", result, getppid());
        expect_equal("the flags behind it", after & FLAGS[i], FLAGS[i]);
    }
}
