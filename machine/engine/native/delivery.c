/*
 * Delivery of exceptions and interrupts in long mode, as far as nothing is out of the ordinary (SDM 3A 6.14).
 *
 * Everything is looked at before anything is changed.  What this code does not know, a fault on the way, a page whose
 * accessed bit is still to be set, is refused: Python delivers it, by the same rules.
 */
#include "fast.h"

#define CR0_WP 0x10000ULL
#define CR4_LA57 0x1000ULL
#define CR4_SMAP 0x200000ULL
#define EFER_NXE 0x800ULL

#define PRESENT 1ULL
#define WRITABLE 2ULL
#define USER 4ULL
#define ACCESSED 0x20ULL
#define DIRTY 0x40ULL
#define LARGE 0x80ULL
#define FRAME 0x000000fffffff000ULL    /* 40 bits of physical address */
#define RESERVED 0x000fff0000000000ULL

#define PF 14
#define TYPE_INTERRUPT 14
#define TYPE_TRAP 15

#define NO_ERROR_CODE (-1LL)

enum source { EXCEPTION, SOFTWARE, EXTERNAL };

/* Where `length` bytes at a linear address lie in RAM; 0 if an access by the supervisor is not plain. */
static u8 *
reach(struct fast *f, u64 address, u64 length, int write)
{
    struct state *s = f->env;
    u64 rights = WRITABLE | USER, table = s->cr[3] & FRAME;
    if ((s->cr[4] & CR4_LA57) || !(s->efer & EFER_NXE) || (address >> 47 && address >> 47 != 0x1ffff))
        return 0;
    if ((address & 0xfff) + length > 4096)
        return 0;
    for (int shift = 39;; shift -= 9) {
        u64 at = table + (address >> shift & 511) * 8;
        if (at + 8 > f->ram_size)
            return 0;
        u64 entry = *(u64 *)(f->ram + at);
        int leaf = shift == 12 || (entry & LARGE);
        if (!(entry & PRESENT) || !(entry & ACCESSED) || (entry & RESERVED) || (leaf && shift == 39))
            return 0;
        rights &= entry;
        if (leaf) {
            u64 offset = (1ULL << shift) - 1, frame = entry & FRAME & ~offset;
            if ((shift > 12 && (entry & offset & ~0x1fffULL)) || (write && !(entry & DIRTY)))
                return 0;
            if ((write && !(rights & WRITABLE) && (s->cr[0] & CR0_WP)) || ((rights & USER) && (s->cr[4] & CR4_SMAP)))
                return 0;
            u64 physical = frame | (address & offset);
            return physical + length <= f->ram_size ? f->ram + physical : 0;
        }
        table = entry & FRAME;
    }
}

static u64
hidden_limit(u64 descriptor)
{
    u64 limit = (descriptor & 0xffff) | (descriptor >> 32 & 0xf0000);
    return descriptor >> 55 & 1 ? limit << 12 | 0xfff : limit;
}

/* The 64-bit code segment that a gate names, at most as privileged as it must be; 0 if it is anything else. */
static u64
code_descriptor(struct fast *f, u64 selector, u32 cpl)
{
    struct state *s = f->env;
    if ((selector & 4) || !(selector & ~3ULL) || (selector & ~7ULL) + 7 > s->gdt.limit)
        return 0;
    u64 *found = (u64 *)reach(f, s->gdt.base + (selector & ~7ULL), 8, 0);
    if (!found)
        return 0;
    u64 d = *found;
    int code = (d >> 43 & 3) == 3, conforming = d >> 42 & 1, present = d >> 47 & 1, wide = (d >> 53 & 3) == 1;
    return code && !conforming && present && wide && (d >> 45 & 3) <= cpl ? d : 0;
}

/* The handler's stack pointer before the frame; 0 if the TSS does not give one plainly. */
static u64
stack_pointer(struct fast *f, u32 ist, u32 cpl, u32 new_cpl)
{
    struct state *s = f->env;
    u64 offset = ist ? 36 + 8 * (ist - 1) : 4 + 8 * new_cpl;
    if (!ist && new_cpl == cpl)
        return s->regs[RSP] & ~15ULL;
    u64 *found = offset + 7 <= s->tr.limit ? (u64 *)reach(f, s->tr.base + offset, 8, 0) : 0;
    return found ? *found & ~15ULL : 0;
}

/* Enter the handler of a vector; 0, and nothing done, if that is Python's. */
static int
deliver(struct fast *f, u32 vector, enum source source, i64 error_code, u64 flags)
{
    struct state *s = f->env;
    u32 cpl = s->hflags & CPL;
    if (!(s->hflags & HF_LMA) || (u64)vector * 16 + 15 > s->idt.limit)
        return 0;
    u64 *gate = (u64 *)reach(f, s->idt.base + vector * 16, 16, 0);
    if (!gate)
        return 0;
    u32 type = gate[0] >> 40 & 31, dpl = gate[0] >> 45 & 3, selector = gate[0] >> 16 & 0xffff;
    if ((type != TYPE_INTERRUPT && type != TYPE_TRAP) || !(gate[0] >> 47 & 1) || (source == SOFTWARE && dpl < cpl))
        return 0;
    u64 code = code_descriptor(f, selector, cpl);
    if (!code)
        return 0;
    u32 new_cpl = code >> 45 & 3;
    u64 stack = stack_pointer(f, gate[0] >> 32 & 7, cpl, new_cpl), size = error_code == NO_ERROR_CODE ? 40 : 48;
    u64 *frame = stack ? (u64 *)reach(f, stack - size, size, 1) : 0;
    if (!frame)
        return 0;

    u64 handler = (gate[0] & 0xffff) | (gate[0] >> 32 & 0xffff0000) | gate[1] << 32;
    if (error_code != NO_ERROR_CODE)
        *frame++ = (u32)error_code;
    *frame++ = s->eip;
    *frame++ = s->segs[CS].selector;
    *frame++ = source == EXCEPTION ? flags | RF : flags & ~RF;
    *frame++ = s->regs[RSP];
    *frame = s->segs[SS].selector;
    s->regs[RSP] = stack - size;
    if (new_cpl < cpl)
        s->segs[SS] = (struct segment){ new_cpl, 0, 0, 0, new_cpl << 13 };
    u64 base = (code >> 16 & 0xffffff) | (code >> 32 & 0xff000000);
    s->segs[CS] = (struct segment){ (selector & ~3u) | new_cpl, 0, base, (u32)hidden_limit(code),
                                    (u32)(code >> 32) & 0x00f0ff00u };
    s->hflags = (s->hflags & ~(CPL | HF_INHIBIT_IRQ | HF_ADDSEG)) | new_cpl | HF_CS64 | HF_CS32 | HF_SS32;
    s->eip = handler;
    s->eflags &= ~(TF | NT | RF | VM | (type == TYPE_INTERRUPT ? IF : 0));
    f->events++;
    f->tallies->delivered[source][new_cpl < cpl][vector & 255]++;
    *f->old_exception = -1;
    return 1;
}

/* Vectors that are faults, and those of them that push an error code (SDM 3A table 6-1). */
#define FAULTS (1u << 0 | 1u << 7 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 16)
#define WITH_ERROR_CODE (1u << 11 | 1u << 12 | 1u << 13 | 1u << 14)

/* Whether the instruction may be OUTS outside ring 0, which looks at its permission before its operand: Python's. */
static int
writes_port(struct fast *f, u64 address)
{
    const u8 *code = f->env->hflags & CPL ? code_at(f, address) : 0, *end = code + 4096 - (address & 0xfff);
    while (code && code < end && prefix(*code))
        code++;
    return code && code < end && (*code & 0xfe) == 0x6e;
}

/* Whether ring 3 met a page fault as ring 0: Python's. */
static int
far_transfer(struct fast *f, u32 vector)
{
    return vector == PF && (f->env->hflags & CPL) && !(f->exception->error_code & 4);
}

/* INT n has run to its end; a fault's instruction was begun. */
static void
trace_exception(struct fast *f, u64 at, int cut, int software)
{
    if (f->trace && cut)
        trace_cut(f->trace, at);
    if (f->trace && !software)
        trace_attempt(f->trace, f->uc, at);
}

/* UC_HOOK_INTR. */
void
on_exception(void *uc, u32 vector, struct fast *f)
{
    struct state *s = f->env;
    u64 at = linear(f);
    *(u32 *)((u8 *)uc + RECURRING) = 0; /* else a load that faults on its second page ends all hooks on memory */
    int software = f->exception->is_int, fault = vector < 32 && (FAULTS >> vector & 1);
    /* Python also says whether a translation ran over its page's end, and ends single steps. */
    int plain = f->mask && f->events + 1 < f->most_events && !hooked(f, at) && (software || fault);
    plain = plain && (software || !(writes_port(f, at) || far_transfer(f, vector)));
    if (plain && vector == PF && !software)
        plain = counted(f, at) || (s->hflags & HF_INHIBIT_IRQ) || s->cr[2] >> PAGE_BITS == at >> PAGE_BITS;
    if (plain) {
        i64 error_code = !software && (WITH_ERROR_CODE >> vector & 1) ? (i64)(u32)f->exception->error_code : NO_ERROR_CODE;
        int cut = !f->stopped && counted(f, at);
        u64 clock = exact(f, at);
        if (deliver(f, vector, software ? SOFTWARE : EXCEPTION, error_code, flags_of(f))) {
            leave(f, (i64)(f->granted - clock));
            *f->tag = 0;
            f->block = f->block_end = 0;
            trace_exception(f, at, cut, software);
            return;
        }
    }
    f->on_exception(uc, vector, f);
    f->alone = 0;
}

/* Between two instructions: an external interrupt.  0 if Python must deliver it. */
u32
interrupt(struct fast *f, u32 vector, u64 flags)
{
    return (u32)deliver(f, vector, EXTERNAL, NO_ERROR_CODE, flags);
}
