/* Call something that faults, and see what the signal told; and pages to try it on. */
#include "check.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const int FAULTS[5] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

static sigjmp_buf back;
static struct fault last;

void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    expect(sigaction(signal, &action, NULL) == 0, "sigaction(%d) failed", signal);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

    last = (struct fault){
        .signal = signal,
        .code = info->si_code,
        .address = (uintptr_t)info->si_addr,
        .rip = registers[REG_RIP],
        .error_code = registers[REG_ERR],
        .vector = registers[REG_TRAPNO],
    };
    siglongjmp(back, 1);
}

/* A stack for handlers, since the fault may be of the stack itself. */
static void use_other_stack(void)
{
    static char stack[16 * PAGE];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};

    expect(sigaltstack(&other, NULL) == 0, "sigaltstack failed");
}

struct fault fault_of(void (*function)(void *), void *argument)
{
    use_other_stack();
    for (size_t i = 0; i < length_of(FAULTS); i++)
        handle(FAULTS[i], on_fault, SA_ONSTACK | SA_NODEFER);
    last = (struct fault){0};
    if (sigsetjmp(back, 1) == 0)
        function(argument);
    for (size_t i = 0; i < length_of(FAULTS); i++)
        signal(FAULTS[i], SIG_DFL);
    return last;
}

static void call(void *code)
{
    void (*function)(void);

    memcpy(&function, code, sizeof function);
    function();
}

struct fault fault_of_code(void (*code)(void))
{
    return fault_of(call, &code);
}

void expect_fault(const struct fault *fault, int signal, int code, uintptr_t address)
{
    expect(fault->signal == signal && fault->code == code && fault->address == address,
           "signal %d code %d address %#lx, not signal %d code %d address %#lx", fault->signal, fault->code,
           fault->address, signal, code, address);
}

void *map(size_t length, int protection, int flags)
{
    int kind = flags & MAP_SHARED ? 0 : MAP_PRIVATE;
    void *at = mmap(NULL, length, protection, MAP_ANONYMOUS | kind | flags, -1, 0);

    expect(at != MAP_FAILED, "mmap of %zu bytes failed", length);
    return at;
}
