/*
 * REP MOVS and REP STOS: as many iterations at once as lie on one page, or two, and in what may still run.
 *
 * The engine has one block for an iteration, which jumps to itself.  At its head all but the last of these iterations
 * are done here, where the TLB says that the pages are plain RAM; they count as if each had run.
 */
#include "fast.h"

#define REP 0xf3
#define REX 0x40
#define REX_W 8
#define HF_SMAP (1u << 23)
#define AC 0x40000ULL
enum mmu { KSMAP, USER, KNOSMAP }; /* MMU_KSMAP_IDX and the others (target/i386/cpu.h) */
enum { RSI = 6, RDI = 7 };
#define MOVS 0x80u /* beside the width */

/* Bytes of an element, and MOVS, if all of a block is a REP MOVS or REP STOS of 64-bit mode with no prefix but REX; else 0. */
u32
string_width(struct fast *f, struct block *b)
{
    const u8 *code = code_at(f, b->pc);
    if (!code || (b->pc & 0xfff) + b->size > 4096 || b->size < 2 || b->icount != 1 || code[0] != REP)
        return 0;
    u32 last = b->size - 1u, rex = last == 2 && (code[1] & 0xf0) == REX ? code[1] : 0;
    if (!(b->flags & HF_CS64) || (b->flags & (TF | HF_INHIBIT_IRQ)) || last != (rex ? 2u : 1u))
        return 0;
    u8 opcode = code[last] & 0xfe;
    if (opcode != 0xa4 && opcode != 0xaa)
        return 0;
    return (!(code[last] & 1) ? 1 : rex & REX_W ? 8 : 4) | (opcode == 0xa4 ? MOVS : 0);
}

/* Which of the TLB's tables an access or a fetch uses (cpu_mmu_index). */
i32
mmu_index(struct state *s)
{
    int smap = (s->hflags & HF_SMAP) && !(s->eflags & AC);
    return (s->hflags & CPL) == 3 ? USER : smap ? KSMAP : KNOSMAP;
}

/* Where the processor reaches an address without leaving its block; 0 if nowhere. */
static u8 *
plain(struct fast *f, u64 address, int store)
{
    struct tlb_entry *e = entry_of(f, address, mmu_index(f->env));
    return (store ? e->write : e->read) == (address & ~0xfffULL) ? (u8 *)(address + e->addend) : 0;
}

/*
 * The same for a load from the page that the TLB was last filled with for one.  Where both pages of a copy have one place
 * in the TLB, each turns the other out of it, to where the engine finds it still but slowly.
 */
static u8 *
filled(struct fast *f, u64 address)
{
    struct filled *last = &f->filled;
    int same = last->page == (address & ~0xfffULL) && last->index == (u64)mmu_index(f->env);
    return same && last->losses == losses(f) ? (u8 *)(address + last->addend) : 0;
}

static u64
smaller(u64 a, u64 b)
{
    return a < b ? a : b;
}

/* The host's own instruction does what the guest's does, also where what is read was just written. */
#define MOVE(suffix) __asm__ volatile("rep movs" suffix : "+S"(from), "+D"(to), "+c"(count) : : "memory")
#define FILL(suffix) __asm__ volatile("rep stos" suffix : "+D"(to), "+c"(count) : "a"(value) : "memory")

static void
move(u8 *to, const u8 *from, u64 count, u32 width)
{
    if (width == 8)
        MOVE("q");
    else if (width == 4)
        MOVE("l");
    else
        MOVE("b");
}

static void
fill(u8 *to, u64 value, u64 count, u32 width)
{
    if (width == 8)
        FILL("q");
    else if (width == 4)
        FILL("l");
    else
        FILL("b");
}

/* At the head of such a block: do iterations; returns how many. */
u64
repeat(struct fast *f, u32 width, u64 most)
{
    int moves = (width & MOVS) != 0;
    width &= ~MOVS;
    u64 *regs = f->env->regs;
    if (regs[RCX] < 3 || f->env->df != 1)
        return 0;
    u64 count = smaller(smaller(regs[RCX] - 1, most), (4096 - (regs[RDI] & 0xfff)) / width);
    u8 *to = plain(f, regs[RDI], 1), *from = 0;
    if (moves) {
        count = smaller(count, (4096 - (regs[RSI] & 0xfff)) / width);
        from = plain(f, regs[RSI], 0);
        if (!from)
            from = filled(f, regs[RSI]);
    }
    if (!count || !to || (moves && !from))
        return 0;
    if (moves)
        move(to, from, count, width);
    else
        fill(to, regs[RAX], count, width);
    regs[RCX] -= count;
    regs[RDI] += count * width;
    regs[RSI] += moves ? count * width : 0;
    return count;
}
