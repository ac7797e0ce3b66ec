/* Instructions that the library leaves to hooks: SYSCALL, RDTSC, RDTSCP, IN and OUT. */
#include "fast.h"

/* Whether a code hook may be before the instruction: with more hooks than are known, one may be anywhere. */
int
hooked(struct fast *f, u64 address)
{
    if (f->hooked_count > MOST_HOOKED)
        return 1;
    for (u64 i = 0; i < f->hooked_count; i++)
        if (f->hooked[i] == address)
            return 1;
    return 0;
}

/* RFLAGS, of which the engine keeps the status flags apart. */
u64
flags_of(struct fast *f)
{
    struct state *s = f->env;
    return f->compute_flags(s, s->cc_op) | (s->eflags & ~(STATUS_FLAGS | DF)) | ((u64)(u32)s->df & DF) | 2;
}

i32
rdtsc(void *uc, struct fast *f)
{
    (void)uc;
    u64 time = exact(f, linear(f)) + f->warp;
    f->env->regs[RAX] = (u32)time;
    f->env->regs[RDX] = time >> 32;
    return 1;
}

i32
rdtscp(void *uc, struct fast *f)
{
    f->env->regs[RCX] = (u32)*f->tsc_aux;
    return rdtsc(uc, f);
}

/* SYSCALL (SDM 2B); what faults, and an instruction with a hook before it, is Python's. */
void
on_syscall(void *uc, struct fast *f)
{
    struct state *s = f->env;
    if (!(s->efer & EFER_SCE) || !(s->hflags & HF_CS64) || hooked(f, s->eip)) {
        f->syscall(uc, f);
        return;
    }
    f->tallies->system_calls[(s->hflags & CPL) != 0]++;
    u64 flags = flags_of(f);
    s->regs[RCX] = s->eip + 2;
    s->regs[R11] = flags & ~RF;
    flags &= ~f->calls->fmask & ~(RF | VM);
    s->cc_src = flags & STATUS_FLAGS;
    s->cc_op = CC_OP_EFLAGS;
    s->df = flags & DF ? -1 : 1;
    s->eflags = (flags & ~(STATUS_FLAGS | DF)) | 2;
    u32 selector = (u32)(f->calls->star >> 32) & 0xfffc;
    s->segs[CS] = (struct segment){ selector, 0, 0, 0xffffffff, CODE_64 };
    s->segs[SS] = (struct segment){ selector + 8, 0, 0, 0xffffffff, STACK };
    s->hflags = (s->hflags & ~(CPL | HF_ADDSEG | HF_INHIBIT_IRQ)) | HF_CS32 | HF_SS32 | HF_CS64;
    s->eip = f->calls->lstar - 2; /* the engine adds the instruction's length */
}

#define MAY 0
#define CR0_PE 1

/* The permission of IN and OUT outside ring 0 (SDM 1 19.5): IOPL here, the bitmap in Python; raises what it denies. */
static void
check_port(struct fast *f, u32 port, i32 size)
{
    struct state *s = f->env;
    if (!(s->cr[0] & CR0_PE) || ((s->hflags & CPL) <= IOPL(s->eflags) && !(s->eflags & VM)))
        return;
    i32 refusal = f->may_use_port(port, size);
    if (refusal != MAY)
        f->raise(s, refusal >> 16, refusal & 0xffff, 0);
}

u32
on_in(void *uc, u32 port, i32 size, struct fast *f)
{
    check_port(f, port, size);
    return f->in(uc, port, size, f);
}

void
on_out(void *uc, u32 port, i32 size, u32 value, struct fast *f)
{
    check_port(f, port, size);
    f->out(uc, port, size, value, f);
}
