/* Recording the branch trace.  It only looks: what runs does not depend on it. */
#include "trace.h"

static struct run *
newest(struct trace *t)
{
    return t->written > t->barrier ? &t->runs[(t->written - 1) % t->capacity] : 0;
}

static void
push(struct trace *t, struct run run)
{
    t->runs[t->written++ % t->capacity] = run;
}

/* A block begins to run. */
void
trace_block(struct trace *t, void *uc, u64 address, u64 size)
{
    struct run run = { address, address + size, 0, 1 }, *last = newest(t);
    t->read_register(uc, UC_X86_REG_CR3, &run.root);
    if (last && last->begin == run.begin && last->end == run.end && last->root == run.root)
        last->times++;
    else
        push(t, run);
}

/* The block that runs was left before the instruction at an address. */
void
trace_cut(struct trace *t, u64 address)
{
    struct run *last = newest(t);
    if (!last || address < last->begin || address >= last->end)
        return;
    struct run rest = { last->begin, address, last->root, 1 };
    if (!--last->times)
        t->written--;
    if (address != rest.begin)
        push(t, rest);
}

/* The instruction at an address raised an exception instead of being completed. */
void
trace_attempt(struct trace *t, void *uc, u64 address)
{
    trace_block(t, uc, address, 0);
}
