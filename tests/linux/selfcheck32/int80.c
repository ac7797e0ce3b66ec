/*
 * Checks of 32-bit programs on a 64-bit kernel, without a C library: `int $0x80`, the vdso's sysenter, signals, and
 * instructions that 64-bit mode does not have. One line a check, as selfcheck writes them; the tests read the table.
 */
#include <asm/ldt.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define length_of(array) (sizeof(array) / sizeof((array)[0]))

struct check {
    const char *name;
    bool (*run)(void);
};

static uintptr_t vsyscall; /* the vdso's __kernel_vsyscall */

static int32_t system_call(int32_t number, int32_t a, int32_t b, int32_t c)
{
    int32_t result;

    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static int32_t call_vsyscall(int32_t number)
{
    int32_t result;

    __asm__ volatile("call *%1" : "=a"(result) : "r"(vsyscall), "0"(number) : "memory", "ecx", "edx");
    return result;
}

static void say(const char *text)
{
    size_t length = 0;

    while (text[length])
        length++;
    system_call(__NR_write, 1, (int32_t)text, (int32_t)length);
}

static bool is_compatibility_mode(void)
{
    uint32_t code, stack;

    __asm__("movl %%cs, %0\nmovl %%ss, %1" : "=r"(code), "=r"(stack));
    return code == 0x23 && stack == 0x2b;
}

static bool int80_keeps_registers(void)
{
    uint32_t ebx = 0x11111111, ecx = 0x22222222, edx = 0x33333333, esi = 0x44444444, edi = 0x55555555, eax = __NR_getpid;

    __asm__ volatile("int $0x80" : "+a"(eax), "+b"(ebx), "+c"(ecx), "+d"(edx), "+S"(esi), "+D"(edi));
    return (int32_t)eax == system_call(__NR_getpid, 0, 0, 0) && ebx == 0x11111111 && ecx == 0x22222222 &&
           edx == 0x33333333 && esi == 0x44444444 && edi == 0x55555555;
}

static bool sysenter_by_the_vdso(void)
{
    for (int i = 0; i < 100; i++)
        if (call_vsyscall(__NR_getpid) != system_call(__NR_getpid, 0, 0, 0))
            return false;
    return vsyscall != 0;
}

static bool wrong_number_is_enosys(void) { return system_call(99999, 0, 0, 0) == -38; }

static bool decimal_adjustment(void)
{
    uint32_t sum = 0x19, product = 47, unpacked = 0x0009;

    __asm__("addb $0x28, %%al\ndaa" : "+a"(sum)::"cc");
    __asm__("aam" : "+a"(product)::"cc");
    __asm__("addb $7, %%al\naaa" : "+a"(unpacked)::"cc");
    return (sum & 0xff) == 0x47 && (product & 0xffff) == 0x0407 && (unpacked & 0xffff) == 0x0106;
}

static bool push_all(void)
{
    uint32_t eax = 1, ebx = 2, stack = 0;

    __asm__ volatile("movl %%esp, %2\npushal\nxorl %%eax, %%eax\nxorl %%ebx, %%ebx\npopal\nsubl %%esp, %2"
                     : "+a"(eax), "+b"(ebx), "+&r"(stack)::"memory", "cc");
    return eax == 1 && ebx == 2 && stack == 0;
}

/* The frame of a handler with SA_SIGINFO is siginfo and ucontext; sigreturn is by the vdso. */
struct context32 {
    unsigned long flags, link;
    unsigned long stack[3];
    uint32_t gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trapno, err, eip, cs, eflags, esp_at_signal, ss;
};

static volatile int last_signal, last_trap;
static volatile uintptr_t last_address;
static uintptr_t resume_at;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    struct context32 *frame = context;

    last_signal = signal;
    last_trap = (int)frame->trapno;
    last_address = (uintptr_t)info->_sifields._sigfault._addr;
    frame->eip = resume_at;
}

__asm__(".text\nrestore: movl $173, %eax\nint $0x80"); /* rt_sigreturn */
extern const char restore[];

static void handle(int signal)
{
    struct {
        void (*handler)(int, siginfo_t *, void *);
        unsigned long flags;
        const char *restorer;
        uint64_t mask;
    } __attribute__((packed)) action = {on_fault, SA_SIGINFO | 0x04000000 /* SA_RESTORER */ | SA_NODEFER, restore, 0};

    __asm__ volatile("int $0x80" ::"a"(__NR_rt_sigaction), "b"(signal), "c"(&action), "d"(0), "S"(8) : "memory");
}

#define FAULT(text, ...)                                                                                              \
    __asm__ volatile("movl $1f, %0\n" text "\n1:" : "=m"(resume_at) : __VA_ARGS__ : "memory", "cc", "eax")

static bool page_fault(void)
{
    uint32_t kept = 0x12345678;

    last_signal = 0;
    __asm__ volatile("movl $1f, %0\nmovl 0x123, %%eax\n1:" : "=m"(resume_at), "+D"(kept)::"memory", "eax");
    return last_signal == SIGSEGV && last_address == 0x123 && last_trap == 14 && kept == 0x12345678;
}

static bool into_overflow(void)
{
    last_signal = 0;
    FAULT("movb $0x7f, %%al\naddb $1, %%al\ninto", "r"(0));
    return last_signal == SIGSEGV && last_trap == 4;
}

static bool bound_range(void)
{
    int32_t limits[2] = {1, 5};

    last_signal = 0;
    FAULT("movl $6, %%eax\nbound %%eax, %1", "m"(limits));
    return last_signal == SIGSEGV && last_trap == 5;
}

static bool breakpoint_trap(void)
{
    last_signal = 0;
    FAULT("int3", "r"(0));
    return last_signal == SIGTRAP && last_trap == 3;
}

static bool privileged_instruction(void)
{
    last_signal = 0;
    FAULT("cli", "r"(0));
    return last_signal == SIGSEGV && last_trap == 13;
}

static bool thread_segment(void)
{
    static uint32_t area[4] = {7, 8, 9, 10};
    struct user_desc entry = {.entry_number = (unsigned)-1, .base_addr = (uintptr_t)area, .limit = 15, .seg_32bit = 1};
    uint32_t value;

    if (system_call(__NR_set_thread_area, (int32_t)&entry, 0, 0) != 0)
        return false;
    __asm__ volatile("movl %1, %%gs\nmovl %%gs:8, %0" : "=r"(value) : "r"(entry.entry_number << 3 | 3));
    return value == 9;
}

static bool segment_limit_is_checked(void)
{
    last_signal = 0;
    FAULT("movl %%gs:16, %%eax", "r"(0)); /* one byte behind the limit that thread_segment set */
    return last_signal == SIGSEGV && last_trap == 13;
}

/* A jump to 64-bit code and back: lcall, then lretl's 64-bit form. */
static bool visit_to_64_bits(void)
{
    uint32_t low, high;

    __asm__ volatile("lcall $0x33, $2f\njmp 3f\n2: .byte 0x48, 0xb9, 1, 2, 3, 4, 5, 6, 7, 8\n" /* movabs, %rcx */
                     ".byte 0x89, 0xc8, 0x48, 0xc1, 0xe9, 0x20, 0xcb\n3:"                       /* mov, shr, lretl */
                     : "=a"(low), "=c"(high)::"memory", "cc");
    return low == 0x04030201 && high == 0x08070605;
}

static bool forked_child(void)
{
    int status = -1;
    int32_t child = system_call(__NR_fork, 0, 0, 0);

    if (child == 0)
        system_call(__NR_exit, 42, 0, 0);
    return system_call(__NR_waitpid, child, (int32_t)&status, 0) == child && status == 42 << 8;
}

static bool preempted_loop(void)
{
    uint32_t times[4] = {0}, start, kept = 0x5a5a5a5a;

    system_call(__NR_times, (int32_t)times, 0, 0);
    start = times[0];
    while (times[0] - start < 5) { /* ticks of user time */
        uint32_t turns = 100000;
        __asm__ volatile("1: decl %0\njnz 1b" : "+r"(turns), "+S"(kept)::"cc");
        system_call(__NR_times, (int32_t)times, 0, 0);
    }
    return kept == 0x5a5a5a5a;
}

static const struct check CHECKS[] = {
    {"is_compatibility_mode", is_compatibility_mode},
    {"int80_keeps_registers", int80_keeps_registers},
    {"sysenter_by_the_vdso", sysenter_by_the_vdso},
    {"wrong_number_is_enosys", wrong_number_is_enosys},
    {"decimal_adjustment", decimal_adjustment},
    {"push_all", push_all},
    {"page_fault", page_fault},
    {"into_overflow", into_overflow},
    {"bound_range", bound_range},
    {"breakpoint_trap", breakpoint_trap},
    {"privileged_instruction", privileged_instruction},
    {"thread_segment", thread_segment},
    {"segment_limit_is_checked", segment_limit_is_checked},
    {"forked_child", forked_child},
    {"preempted_loop", preempted_loop},
    {"visit_to_64_bits", visit_to_64_bits},
};

/* The stack at the program's start: argc, argv, 0, environment, 0, pairs of the auxiliary vector. */
static void read_auxiliary_vector(const uintptr_t *word)
{
    word += *word + 2;
    while (*word++)
        ;
    for (; *word; word += 2)
        if (*word == AT_SYSINFO)
            vsyscall = word[1];
}

__attribute__((used)) static void start(const uintptr_t *stack)
{
    static const int SIGNALS[] = {SIGSEGV, SIGTRAP};
    int failed = 0;

    read_auxiliary_vector(stack);
    for (size_t i = 0; i < length_of(SIGNALS); i++)
        handle(SIGNALS[i]);
    for (size_t i = 0; i < length_of(CHECKS); i++) {
        bool ok = CHECKS[i].run();
        failed += !ok;
        say(ok ? "ok " : "not ok ");
        say(CHECKS[i].name);
        say(ok ? "\n" : ": wrong result\n");
    }
    system_call(__NR_exit, failed, 0, 0);
}

__asm__(".globl _start\n_start: movl %esp, %eax\nandl $-16, %esp\nsubl $12, %esp\npushl %eax\ncall start");
