/* The branch trace: which code ran, as runs from where a jump led to where the next was taken; trace.py has the same layouts. */
#ifndef TRACE_H
#define TRACE_H

typedef unsigned long long u64;

struct run {
    u64 begin;        /* linear address of the first instruction */
    u64 end;          /* the address behind the last; `begin` if the one instruction raised an exception */
    u64 root;         /* CR3 */
    u64 times;        /* times that it ran, one after the other */
};

struct trace {
    u64 capacity;     /* runs that there is room for */
    u64 written;      /* runs ever recorded: run i lies at i modulo the capacity */
    u64 barrier;      /* what `written` was when the trace was last read: older runs do not change */
    struct run *runs;
    int (*read_register)(void *uc, int number, void *value);
};

#define UC_X86_REG_CR3 53

void trace_block(struct trace *t, void *uc, u64 address, u64 size);
void trace_cut(struct trace *t, u64 address);
void trace_attempt(struct trace *t, void *uc, u64 address);

#endif
