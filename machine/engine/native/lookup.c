/*
 * The next block behind a jump that is not chained: an indirect one, or one to another page.  The library looks it up by
 * linear address in a table of 4,096, 64 for a page, which every write of CR3 empties, then by physical address.
 *
 * Here a page may have the whole table, and an entry tells all that decides, so that a hit touches one line of the cache.
 * Nothing empties the table but the loss of all blocks: an entry of an earlier generation, from before the TLB lost
 * something or a block was taken away, holds again if the TLB leads to the same page still.
 */
#include "fast.h"

#define CODE_FLAGS 0x73100ULL /* AC, VM, RF, IOPL and TF, which a block's flags have of EFLAGS (cpu_get_tb_cpu_state) */
#define CF_INVALID 0x40000u

static u64
generation(struct fast *f)
{
    return losses(f) + *f->invalidations;
}

/* The physical page that the TLB has for a fetch, or NO_PAGE. */
static u32
fetched_page(struct fast *f, u64 address)
{
    struct tlb_entry *e = entry_of(f, address, mmu_index(f->env));
    return e->code == (address & ~0xfffULL) ? (u32)(e->physical >> PAGE_BITS) : NO_PAGE;
}

/* The library's way; what it finds is kept. */
static __attribute__((noinline)) u8 *
look_up(struct fast *f, struct found *entry, u64 pc, u32 flags)
{
    struct state *s = f->env;
    u8 *code = f->lookup_tb_ptr(s);
    struct block *b = (struct block *)(code - BLOCK_SPACE);
    if (s->segs[CS].base || code == *f->epilogue)
        return code;
    int crosses = (pc & 0xfff) + b->size > 4096; /* whether its second page is the same, only the library tells */
    *entry = (struct found){ pc, code, generation(f), flags, crosses ? NO_PAGE : fetched_page(f, pc) };
    return code;
}

/* An entry from before. */
static __attribute__((noinline)) u8 *
renew(struct fast *f, struct found *entry, u64 pc, u32 flags)
{
    struct block *b = (struct block *)(entry->code - BLOCK_SPACE);
    if (entry->page == NO_PAGE || entry->page != fetched_page(f, pc) || (b->cflags & CF_INVALID))
        return look_up(f, entry, pc, flags);
    entry->generation = generation(f);
    return entry->code;
}

/* helper_lookup_tb_ptr: where the code of the next block begins, or the way out if there is no such block yet. */
u8 *
lookup_block(struct state *s)
{
    struct fast *f = engine_of_env(s);
    u64 pc = s->eip;
    u32 flags = s->hflags | (u32)(s->eflags & CODE_FLAGS);
    struct found *entry = &f->found[(pc ^ pc >> PAGE_BITS) % FOUND];
    if (entry->pc != pc || entry->flags != flags || s->segs[CS].base)
        return look_up(f, entry, pc, flags);
    if (entry->generation != generation(f))
        return renew(f, entry, pc, flags);
    return entry->code;
}

void
forget_all(struct fast *f)
{
    for (u32 i = 0; i < FOUND; i++)
        f->found[i].pc = 0;
    f->found[0].pc = 1; /* which is not looked for there */
}

/* tb_flush: every block is gone, and its place is free. */
void
forget_blocks(void *cpu)
{
    struct fast *f = engine_of_cpu(cpu);
    if (f)
        forget_all(f);
    library.tb_flush(cpu);
}

/* tb_flush_jmp_cache: the TLB loses a page. */
void
forget_page(void *cpu, u64 address)
{
    struct fast *f = engine_of_cpu(cpu);
    if (f)
        f->forgotten++;
    library.tb_flush_jmp_cache(cpu, address);
}

/* QEMU's TCGOp (tcg.h), of a call with one result and one argument. */
struct call {
    u64 code;
    struct call *next;
    u64 *previous;     /* the `next` before this operation's */
    u64 result, argument, function, flags;
};

/* tcg_gen_lookup_and_goto_ptr: emits the call of helper_lookup_tb_ptr and a jump to what it returns. */
void
lookup_and_jump(void *tcg)
{
    library.gen_lookup(tcg);
    struct fast *f = engine_of_uc(*(void **)((u8 *)tcg + library.tcg_uc));
    u64 *link = *(u64 **)((u8 *)tcg + library.tcg_last);
    struct call *call = (struct call *)(link[1] - 8);
    if (f && call->function == (u64)f->lookup_tb_ptr) {
        f->invalidations = (u64 *)((u8 *)tcg + library.tcg_invalidations);
        f->epilogue = (u8 **)((u8 *)tcg + library.tcg_epilogue);
        call->function = (u64)ADDRESS(lookup_block);
    }
}
