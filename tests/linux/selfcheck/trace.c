/* ptrace: steps, breakpoints, debug registers. The tracer is the check's process, the traced its child. */
#include "check.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEBUG_REGISTER(n) (offsetof(struct user, u_debugreg) + (n) * sizeof(long))
#define TRAP 0x100ul
#define DR7_EXECUTE 0x1ul          /* L0, condition 0 */
#define DR7_WRITE 0xd0001ul        /* L0, on writes, four bytes */

static void *as_address(uintptr_t value)
{
    return (void *)value; /* ptrace takes numbers as pointers */
}

static long trace(int request, pid_t child, uintptr_t address, uintptr_t data)
{
    errno = 0;
    long result = ptrace(request, child, as_address(address), as_address(data));
    expect(errno == 0, "ptrace request %d failed: errno %d", request, errno);
    return result;
}

static struct user_regs_struct registers_of(pid_t child)
{
    struct user_regs_struct registers;

    trace(PTRACE_GETREGS, child, 0, (uintptr_t)&registers);
    return registers;
}

static void expect_stopped(pid_t child, int signal)
{
    int status = status_of(child);

    expect(WIFSTOPPED(status), "the child ended: status word %#x", status);
    expect_equal("the stop's signal", WSTOPSIG(status), signal);
}

/* Start a child that stops before it calls the function. */
static pid_t traced(void (*function)(void *), void *argument)
{
    pid_t child = fork();

    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        function(argument);
        _exit(0);
    }
    expect_stopped(child, SIGSTOP);
    return child;
}

static void expect_end(pid_t child)
{
    trace(PTRACE_CONT, child, 0, 0);
    int status = status_of(child);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended otherwise: status word %#x", status);
}

static void run_to(pid_t child, uintptr_t address)
{
    long word = trace(PTRACE_PEEKTEXT, child, address, 0);

    trace(PTRACE_POKETEXT, child, address, (word & ~0xfful) | 0xcc);
    trace(PTRACE_CONT, child, 0, 0);
    expect_stopped(child, SIGTRAP);
    struct user_regs_struct registers = registers_of(child);
    expect_equal("RIP behind the breakpoint", registers.rip, address + 1);
    registers.rip = address;
    trace(PTRACE_SETREGS, child, 0, (uintptr_t)&registers);
    trace(PTRACE_POKETEXT, child, address, word);
}

/* Each instruction has its length: where steps land is known. */
#define LENGTHS {1, 2, 3, 5, 7, 2, 1, 1}
SNIPPET(stepped, "nop\n"                              /* 1 */
                 "xorl %eax, %eax\n"                  /* 2 */
                 "leaq (%rax), %rcx\n"                /* 3 */
                 "movl $3, %ecx\n"                    /* 5 */
                 "movq $0x11, %rdx\n"                 /* 7 */
                 "rep lodsb\n"                        /* 2, three turns */
                 "pushq %rax\n"                       /* 1 */
                 "popq %rax\n");                      /* 1 */

static void call_stepped(void *unused)
{
    static const char BYTES[8];

    (void)unused;
    __asm__ volatile("movq %0, %%rsi\ncall stepped" ::"r"(BYTES) : "rax", "rcx", "rdx", "rsi", "memory", "cc");
}

static uintptr_t step(pid_t child)
{
    trace(PTRACE_SINGLESTEP, child, 0, 0);
    expect_stopped(child, SIGTRAP);
    return registers_of(child).rip;
}

void check_trace_single_step(void)
{
    static const int LENGTH[] = LENGTHS;
    pid_t child = traced(call_stepped, NULL);
    uintptr_t at = (uintptr_t)stepped;

    run_to(child, at);
    for (size_t i = 0; i < length_of(LENGTH); i++) {
        int turns = i == 5 ? 3 : 1; /* a repeated string instruction traps after each turn */
        for (int turn = 1; turn < turns; turn++)
            expect_equal("RIP within the string instruction", step(child) - (uintptr_t)stepped, at - (uintptr_t)stepped);
        at += LENGTH[i];
        expect_equal("RIP after a step", step(child) - (uintptr_t)stepped, at - (uintptr_t)stepped);
    }
    expect_end(child);
}

SNIPPET(calls_getppid, "movl $110, %eax\nsyscall\nnop");

static void call_getppid(void *unused)
{
    (void)unused;
    calls_getppid();
}

void check_trace_step_over_system_call(void)
{
    pid_t child = traced(call_getppid, NULL);
    uintptr_t start = (uintptr_t)calls_getppid;

    run_to(child, start);
    expect_equal("RIP before the call", step(child) - start, 5);
    expect_equal("RIP behind the call", step(child) - start, 7);
    expect_equal("RAX", registers_of(child).rax, getpid());
    expect_equal("RIP one later", step(child) - start, 8);
    expect_end(child);
}

uint64_t pushed_flags; /* named in the assembly text */

SNIPPET(pushes_flags, "pushfq\npopq pushed_flags(%rip)");

static void call_pushes_flags(void *unused)
{
    (void)unused;
    pushes_flags();
    expect_equal("the trap flag that the program sees", pushed_flags & TRAP, 0);
}

void check_trace_step_hides_the_trap_flag(void)
{
    pid_t child = traced(call_pushes_flags, NULL);

    run_to(child, (uintptr_t)pushes_flags);
    step(child);
    step(child);
    expect_equal("the trap flag that the tracer sees", registers_of(child).eflags & TRAP, 0);
    /* PUSHF of a step pushes TF as the hardware has it: Linux does not mend that. */
    uint64_t word = trace(PTRACE_PEEKDATA, child, (uintptr_t)&pushed_flags, 0);
    trace(PTRACE_POKEDATA, child, (uintptr_t)&pushed_flags, word & ~TRAP);
    expect_end(child);
}

static volatile int counter;

__attribute__((noinline)) static void count(void)
{
    counter++;
    __asm__ volatile("" ::: "memory");
}

static void count_to_3(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        count();
}

void check_trace_breakpoint(void)
{
    pid_t child = traced(count_to_3, NULL);

    for (int i = 0; i < 3; i++) {
        run_to(child, (uintptr_t)count);
        expect_equal("the counter", (int)trace(PTRACE_PEEKDATA, child, (uintptr_t)&counter, 0), i);
        step(child);
    }
    expect_end(child);
}

void check_trace_hardware_breakpoint(void)
{
    pid_t child = traced(count_to_3, NULL);

    trace(PTRACE_POKEUSER, child, DEBUG_REGISTER(0), (uintptr_t)count);
    trace(PTRACE_POKEUSER, child, DEBUG_REGISTER(7), DR7_EXECUTE);
    for (int i = 0; i < 3; i++) {
        trace(PTRACE_CONT, child, 0, 0);
        expect_stopped(child, SIGTRAP);
        expect_equal("RIP", registers_of(child).rip - (uintptr_t)count, 0);
        expect_equal("B0 of DR6", trace(PTRACE_PEEKUSER, child, DEBUG_REGISTER(6), 0) & 1, 1);
        expect_equal("the counter", (int)trace(PTRACE_PEEKDATA, child, (uintptr_t)&counter, 0), i);
    }
    expect_end(child);
}

void check_trace_hardware_watchpoint(void)
{
    pid_t child = traced(count_to_3, NULL);

    trace(PTRACE_POKEUSER, child, DEBUG_REGISTER(0), (uintptr_t)&counter);
    trace(PTRACE_POKEUSER, child, DEBUG_REGISTER(7), DR7_WRITE);
    for (int i = 1; i <= 3; i++) {
        trace(PTRACE_CONT, child, 0, 0);
        int status = status_of(child);
        expect(WIFSTOPPED(status), "the child ran to its end: no trap at a write");
        expect_equal("the stop's signal", WSTOPSIG(status), SIGTRAP);
        expect_equal("the counter", (int)trace(PTRACE_PEEKDATA, child, (uintptr_t)&counter, 0), i);
    }
    expect_end(child);
}

SNIPPET(adds, "movq %rdi, %rax\naddq %rsi, %rax");

static void expect_altered_sum(void *unused)
{
    uint64_t sum;

    (void)unused;
    __asm__ volatile("call adds" : "=a"(sum) : "D"(1ul), "S"(2ul) : "cc");
    expect_equal("the sum", sum, 0x7777000000000002);
}

void check_trace_registers(void)
{
    pid_t child = traced(expect_altered_sum, NULL);
    struct user_fpregs_struct fpu;

    run_to(child, (uintptr_t)adds);
    struct user_regs_struct registers = registers_of(child);
    expect_equal("RDI", registers.rdi, 1);
    expect_equal("CS", registers.cs, 0x33);
    expect_equal("SS", registers.ss, 0x2b);
    registers.rdi = 0x7777000000000000;
    trace(PTRACE_SETREGS, child, 0, (uintptr_t)&registers);
    trace(PTRACE_GETFPREGS, child, 0, (uintptr_t)&fpu);
    expect_equal("the x87 control word", fpu.cwd, 0x37f);
    fpu.xmm_space[5] = 0x12345678;
    trace(PTRACE_SETFPREGS, child, 0, (uintptr_t)&fpu);
    trace(PTRACE_GETFPREGS, child, 0, (uintptr_t)&fpu);
    expect_equal("a word of XMM1", fpu.xmm_space[5], 0x12345678);
    registers.cs = 0x10; /* the kernel's: refused */
    expect(ptrace(PTRACE_SETREGS, child, 0, &registers) == -1, "a kernel selector was accepted");
    expect_end(child);
}

void check_trace_system_calls(void)
{
    pid_t child = traced(call_getppid, NULL);

    run_to(child, (uintptr_t)calls_getppid);
    trace(PTRACE_SYSCALL, child, 0, 0);
    expect_stopped(child, SIGTRAP);
    struct user_regs_struct registers = registers_of(child);
    expect_equal("the call's number", registers.orig_rax, SYS_getppid);
    expect_equal("RAX at entry", registers.rax, -ENOSYS);
    registers.orig_rax = SYS_getpid;
    trace(PTRACE_SETREGS, child, 0, (uintptr_t)&registers);
    trace(PTRACE_SYSCALL, child, 0, 0);
    expect_stopped(child, SIGTRAP);
    expect_equal("the other call's result", registers_of(child).rax, child);
    expect_end(child);
}

static void spin(void *turns)
{
    for (;;)
        ++*(volatile uint64_t *)turns;
}

void check_trace_interrupt(void)
{
    volatile uint64_t *turns = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
    pid_t child = spawn(spin, (void *)turns);

    trace(PTRACE_SEIZE, child, 0, 0);
    for (int i = 0; i < 20; i++) {
        for (uint64_t before = *turns; *turns == before;)
            usleep(1000);
        trace(PTRACE_INTERRUPT, child, 0, 0);
        expect_stopped(child, SIGTRAP);
        uintptr_t rip = registers_of(child).rip;
        expect(rip - (uintptr_t)spin < 64, "stopped at %#lx, outside of spin()", rip);
        trace(PTRACE_CONT, child, 0, 0);
    }
    kill(child, SIGKILL);
    expect_equal("the signal it ended by", WTERMSIG(status_of(child)), SIGKILL);
}
