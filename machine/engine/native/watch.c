/*
 * Watchpoints: the engine calls its hooks on memory on the slow path of an access, and translates every access for the
 * slow path alone while such a hook exists.  Its lists of these hooks are therefore hidden while it translates, and what
 * brings an access to a watched page to the slow path is a mark in the TLB, QEMU's own for this.
 *
 * Where watched linear memory lies, Python looks up, from the page tables.  It is asked anew behind an instruction that
 * turns paging on or off, or loads tables that it has not looked at.
 */
#include "fast.h"

void
hide_hooks(struct fast *f)
{
    if (f->hidden)
        return;
    for (int i = 0; i < MOST_LISTS; i++)
        if (f->lists[i]) {
            f->listed[i] = *f->lists[i];
            *f->lists[i] = 0;
        }
    f->hidden = 1;
}

void
show_hooks(struct fast *f)
{
    if (!f->hidden)
        return;
    for (int i = 0; i < MOST_LISTS; i++)
        if (f->lists[i])
            *f->lists[i] = f->listed[i];
    f->hidden = 0;
}

/* `clean`: the page holds no code, so that stores have nothing to tell the translator. */
void
mark_watched(struct fast *f, struct tlb_entry *e, int clean)
{
    u64 number = e->physical >> PAGE_BITS;
    for (u64 i = 0; i < f->watched_count; i++) {
        struct watched *w = &f->watched[i];
        if (number < w->first || number > w->last)
            continue;
        if ((w->kinds & READS) && e->read != NONE)
            e->read |= TLB_WATCHPOINT;
        if ((w->kinds & WRITES) && e->write != NONE)
            e->write = (e->write & ~(u64)(clean ? TLB_NOTDIRTY : 0)) | TLB_WATCHPOINT;
    }
}

#define ONE_BLOCK (-(1LL << 62)) /* a budget with which every block asks */

/*
 * Run the instruction that is being left once more, by itself, as after a store into the running block; the next block
 * is refused.  Returns where that is Python's: a code hook before the instruction computes flags, a trace is cut.
 */
static void
run_alone(struct fast *f, u64 at)
{
    struct block *b = tagged(f);
    if (!b || f->trace || !counted(f, at) || hooked(f, at))
        return;
    f->limit = f->alone_clock = exact(f, at);
    f->mask = 0;
    f->granted = f->limit + (u64)ONE_BLOCK;
    leave(f, ONE_BLOCK);
    *f->tag = 0;
    f->block = f->block_end = 0;
    *f->next_flags = (b->cflags & ~(u32)COUNT_MASK) | 1;
    f->alone = 1;
    f->alone_cr2 = f->env->cr[2];
    f->loop_exit(f->cpu);
}

/* The instruction at an address as it is kept there, at 0 if its bytes cannot be had. */
static struct leavable
instruction(struct fast *f, u64 at)
{
    const u64 *code = (at & 0xfff) <= 4096 - 16 ? (const u64 *)code_at(f, at) : 0;
    return code ? (struct leavable){ at, f->env->hflags & (HF_CS64 | HF_CS32), { code[0], code[1] } } : (struct leavable){ 0 };
}

static int
is_known(const struct leavable *kept, const struct leavable *now)
{
    return kept->at == now->at && kept->mode == now->mode && kept->code[0] == now->code[0] && kept->code[1] == now->code[1];
}

/*
 * UC_HOOK_MEM_READ and _WRITE, before the access.  The engine has put the state back to the instruction's start, as for
 * a fault, so that it can be left right here; the hook's range is wider than what is watched, as the engine looks at
 * an access's first byte alone.
 */
void
on_access(void *uc, u32 kind, u64 address, i32 size, i64 value, struct watch *w)
{
    struct fast *f = w->fast;
    (void)value;
    if (address + (u64)size <= w->first || address > w->last || !(w->tables & f->table))
        return;
    u64 at = linear(f);
    struct leavable *kept = &f->leavable[at % LEAVABLE], now = instruction(f, at);
    if (f->mask && now.at && is_known(kept, &now)) /* without a mask it may be alone already, or in a step */
        run_alone(f, at);
    if (!w->touched(kind, address, size))
        return;
    *kept = now;
    run_alone(f, at);
    f->caught = 1;
    f->emu_stop(uc);
    f->loop_exit(f->cpu);
}

#define CR0_PG 0x80000000u
#define CR4_PAGING 0x1030u /* LA57, PAE, PSE */

/* The translator ends a block behind a write of these registers: the engine is left at the next instruction. */
static void
follow(struct state *env, u64 changes)
{
    struct fast *f = changes ? engine_of_env(env) : 0;
    if (!f || !f->follows)
        return;
    f->moved = 1;
    f->emu_stop(f->uc);
}

/* Whether Python has looked at page tables. */
static int
known(struct state *env, u64 root)
{
    struct fast *f = engine_of_env(env);
    for (u64 i = 0; f && i < f->tables_count; i++)
        if (f->tables[i] == root) {
            f->table = 1ULL << i;
            return 1;
        }
    return 0;
}

/* cpu_x86_update_cr0, _cr3, _cr4 */
void
update_cr0(struct state *env, u32 value)
{
    u64 before = env->cr[0];
    library.update_cr0(env, value);
    follow(env, (before ^ value) & CR0_PG);
}

void
update_cr3(struct state *env, u64 value)
{
    u64 before = env->cr[3];
    library.update_cr3(env, value);
    if (before != value && !known(env, value))
        follow(env, 1);
}

void
update_cr4(struct state *env, u32 value)
{
    u64 before = env->cr[4];
    library.update_cr4(env, value);
    follow(env, (before ^ value) & CR4_PAGING);
}
