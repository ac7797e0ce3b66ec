/*
 * What the self-checks share. A check is a function that returns if all is well and calls fail() if not; each runs in
 * a process of its own (run.c), so it may die, leave mappings behind or change its signal handlers.
 */
#ifndef CHECK_H
#define CHECK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <ucontext.h>

#define PAGE 4096ul
#define MILLISECOND 1000000ll /* nanoseconds */

#define length_of(array) (sizeof(array) / sizeof((array)[0]))

/* Tell why the check failed and end this process; may be called from a check's own children too. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define expect(condition, ...)                                                                                        \
    do {                                                                                                              \
        if (!(condition))                                                                                             \
            fail(__VA_ARGS__);                                                                                        \
    } while (0)

/* Two integers must be equal; what tells of which. */
void expect_equal(const char *what, long long got, long long wanted);

/* A function of two instructions or so, in assembly text; it returns by itself. */
#define SNIPPET(name, text)                                                                                           \
    void name(void);                                                                                                  \
    __asm__(".pushsection .text\n.balign 16\n.globl " #name "\n" #name ":\n" text "\nret\n.popsection")

/* fault.c: call something that faults, and see what the signal told. */
struct fault {
    int signal; /* 0: there was none */
    int code;
    uintptr_t address, rip, error_code, vector;
};

struct fault fault_of(void (*function)(void *), void *argument);
struct fault fault_of_code(void (*code)(void));
void expect_fault(const struct fault *fault, int signal, int code, uintptr_t address);
void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags);
extern const int FAULTS[5];

/* memory: pages of zeros, private and anonymous unless flags say otherwise. */
void *map(size_t length, int protection, int flags);

/* processes.c: run something in a child; the parent gets its status word as of waitpid. */
pid_t spawn(void (*function)(void *), void *argument);
int status_of(pid_t child);
void expect_success(pid_t child);

/* clock.c */
long long now(void); /* CLOCK_MONOTONIC in nanoseconds */

extern const char *program; /* this file's path, to be executed again */

#endif
