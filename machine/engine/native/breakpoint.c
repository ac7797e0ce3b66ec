/* Breakpoints that ask nothing; Python sees to all others. */
#include "fast.h"

/* UC_HOOK_CODE, before the instruction.  A disarmed one lets a step go, and all else leave the engine to take it out. */
void
on_breakpoint(void *uc, u64 address, u32 size, struct point *p)
{
    struct fast *f = p->fast;
    int told = f->passes && f->passed == address && f->passed_at == exact(f, address);
    (void)size;
    if (p->armed ? told : !f->mask)
        return;
    f->met = p->armed ? MET : MET_DISARMED;
    f->met_at = address;
    f->emu_stop(uc);
}
