/*
 * The clock of the machine: a callback that Unicorn calls at the head of every translated block.
 *
 * It counts the bytes of guest code that run, so that no Python runs per block, and asks the engine to stop
 * before the block that would cross the limit.  Freestanding and position-independent: the linked blob is
 * one flat piece of machine code that the host maps executable, and begins with the distances of its functions from
 * its start.  progress.py has the same layouts.
 */
__asm__(
    ".section .text.entries, \"ax\"\n"
    "entries:\n"
    "   .long count_block - entries, update_flags - entries\n"
    ".text\n");

#include "trace.h"

struct progress {
    u64 clock;        /* bytes of code executed; exact once the block left early is refunded */
    u64 limit;        /* stop before the block that would take the clock above this */
    u64 mask;         /* all ones: test clock + size; 0: test the clock alone (run exactly one block) */
    u64 block;        /* linear address of the block that runs */
    u64 block_end;    /* the address behind it */
    u64 stopped;      /* 1 if this callback asked for the stop */
    int (*stop)(void *uc);
    struct trace *trace; /* where branches are recorded, or 0 */
};

/* UC_HOOK_BLOCK. */
void
count_block(void *uc, u64 address, unsigned size, struct progress *p)
{
    /* A store into the running block: the engine leaves it and restarts the storing instruction alone. */
    if (address >= p->block && address < p->block_end && address + size < p->block_end) {
        p->clock -= p->block_end - address;
        if (p->trace)
            trace_cut(p->trace, address);
    }

    if (p->clock + (size & p->mask) > p->limit) {
        p->stopped = 1;
        p->stop(uc);
        return;
    }
    if (p->trace)
        trace_block(p->trace, uc, address, size);
    p->clock += size;
    p->block = address;
    p->block_end = address + size;
}
