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
    "   .long count_block - entries, update_flags - entries, rdtsc - entries, rdtscp - entries\n"
    "   .long mark_written - entries, compare_heads - entries\n"
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

/* RDTSC and RDTSCP, by the library's public calls; timestamp.py has the same layout. */
struct time_stamp {
    const struct progress *progress;
    u64 warp;         /* virtual time is clock + warp */
    int (*read)(void *uc, int number, void *value);
    int (*write)(void *uc, int number, const void *value);
    int (*python[2])(void *uc, void *data); /* the same, where the block that runs does not tell the time */
    u64 rip, rax, rdx, rcx, msr; /* UC_X86_REG_... */
};

struct msr {
    unsigned number;
    u64 value;
};

#define TSC_AUX 0xc0000103u
#define HIGH (1ULL << 32) /* RIP is a linear address there: a code segment with a base has no such offsets */

static int
tell_time(void *uc, struct time_stamp *t, int with_aux)
{
    const struct progress *p = t->progress;
    u64 rip = 0;
    t->read(uc, (int)t->rip, &rip);
    if (rip < HIGH || p->stopped || rip < p->block || rip >= p->block_end)
        return t->python[with_aux](uc, t);
    u64 time = p->clock - (p->block_end - rip) + t->warp, low = (unsigned)time, high = time >> 32;
    t->write(uc, (int)t->rax, &low);
    t->write(uc, (int)t->rdx, &high);
    if (with_aux) {
        struct msr aux = { TSC_AUX, 0 };
        t->read(uc, (int)t->msr, &aux);
        aux.value = (unsigned)aux.value;
        t->write(uc, (int)t->rcx, &aux.value);
    }
    return 1;
}

/* UC_HOOK_INSN. */
int
rdtsc(void *uc, struct time_stamp *t)
{
    return tell_time(uc, t, 0);
}

int
rdtscp(void *uc, struct time_stamp *t)
{
    return tell_time(uc, t, 1);
}

/* The pages of RAM that were stored to, where any processor has code; sharedcode.py has the same layouts. */
struct written {
    u64 any;
    u64 pages;
    unsigned char *marks;
    const unsigned char *ram;
    struct head *heads;
    u64 head_count;
};

/* A page that has code in the bytes that a store from the page before may reach. */
struct head {
    u64 page;
    u64 seen;         /* its first bytes, as they were */
};

static void
mark(struct written *w, u64 page)
{
    if (page < w->pages)
        w->any = w->marks[page] = 1;
}

/* UC_HOOK_MEM_WRITE: a store to physical memory.  Of one that crosses a page the engine does not tell where it ends. */
int
mark_written(void *uc, int kind, u64 address, int size, long long value, struct written *w)
{
    (void)uc, (void)kind, (void)size, (void)value;
    mark(w, address >> 12);
    return 0;
}

/* Mark the pages whose first bytes are others now. */
void
compare_heads(struct written *w)
{
    for (struct head *h = w->heads; h < w->heads + w->head_count; h++) {
        u64 now = *(const u64 *)(w->ram + (h->page << 12));
        if (now == h->seen)
            continue;
        h->seen = now;
        mark(w, h->page);
    }
}
