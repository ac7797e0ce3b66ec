/* The TLB: which pages take stores without a slow path; and the library's functions that this code stands before. */
#include "fast.h"

struct library library __attribute__((section(".data"))) = { .code_hook_site = 1 };
struct fast *engines __attribute__((section(".data"))) = 0;

struct fast *
engine_of_uc(void *uc)
{
    struct fast *f = engines;
    while (f && f->uc != uc)
        f = f->next;
    return f;
}

struct fast *
engine_of_cpu(void *cpu)
{
    struct fast *f = engines;
    while (f && (void *)f->cpu != cpu)
        f = f->next;
    return f;
}

void
install(const struct library *told)
{
    library = *told;
}

void
enter(struct fast *f)
{
    forget_all(f);
    f->next = engines;
    engines = f;
}

void
withdraw(struct fast *f)
{
    struct fast **at = &engines;
    while (*at && *at != f)
        at = &(*at)->next;
    if (*at)
        *at = f->next;
}

static u32
epoch(struct fast *f)
{
    return (u32)(*f->full_flushes + *f->part_flushes + 1);
}

struct tlb_entry *
entry_of(struct fast *f, u64 address, i32 index)
{
    struct tlb_fast *tlb = &f->tlb[index];
    return (struct tlb_entry *)((u8 *)tlb->table + ((address >> (PAGE_BITS - TLB_ENTRY_BITS)) & tlb->mask));
}

/* The TLB's entry for a page of RAM that code is fetched from, or 0; a store may have made it anew. */
static struct tlb_entry *
code_entry(struct fast *f, u64 address)
{
    for (i32 index = 0; index < TLB_TABLES; index++) {
        struct tlb_entry *e = entry_of(f, address, index);
        if ((e->code & ~(u64)TLB_INVALID) == (address & ~0xfffULL))
            return e;
    }
    return 0;
}

/* Where code at a linear address lies in this process; 0 if the TLB has no plain entry for it. */
const u8 *
code_at(struct fast *f, u64 address)
{
    struct tlb_entry *e = code_entry(f, address);
    return e ? (const u8 *)(address + e->addend) : 0;
}

/* How often the TLB lost anything. */
u64
losses(struct fast *f)
{
    return *f->full_flushes + *f->part_flushes + f->forgotten;
}

/* What a page that holds code, or may, must do with stores, after the engine's own function has filled an entry. */
static void
settle_stores(struct fast *f, struct tlb_entry *e, struct page *page, u64 address)
{
    if (e->write == NONE)
        e->code = NONE; /* a fetch makes its own entry */
    else if (!page->code && page->fetched != epoch(f)) {
        e->code = NONE; /* the engine takes the first store as the sign that no code is here */
        page->clean = epoch(f);
    } else
        e->code = (address & ~0xfffULL) | TLB_INVALID;
}

u8
tlb_fill(void *cpu, u64 address, i32 size, i32 access, i32 index, u8 probe, u64 from)
{
    struct fast *f = engine_of_cpu(cpu);
    if (access == FETCH)
        show_hooks(f); /* a fetch that faults ends a translation in its midst */
    u8 done = f->tlb_fill(cpu, address, size, access, index, probe, from);
    if (!done)
        return 0;
    struct tlb_entry *e = entry_of(f, address, index);
    u64 number = e->physical >> PAGE_BITS;
    if (number >= f->pages_count)
        return 1;
    struct page *page = &f->pages[number];
    if (access != FETCH) {
        settle_stores(f, e, page, address);
    } else {
        if (page->clean == epoch(f)) {
            f->tlb_flush(cpu); /* some alias may be writable without a slow path */
            f->tlb_fill(cpu, address, size, access, index, probe, from);
            e = entry_of(f, address, index);
        }
        page->fetched = epoch(f);
        page->code = 1;
    }
    mark_watched(f, e, page->clean == epoch(f));
    if (access == LOAD)
        f->filled = (struct filled){ e->read == (address & ~0xfffULL) ? e->read : 1, (u64)index, e->addend, losses(f) };
    return 1;
}

/* tlb_unprotect_code: no block is left on a page. */
void
unprotect_code(void *uc, u64 physical)
{
    struct fast *f = engine_of_uc(uc);
    u64 number = physical >> PAGE_BITS;
    if (f && number < f->pages_count && f->pages[number].fetched != epoch(f))
        f->pages[number].code = 0;
    library.unprotect_code(uc, physical);
}

/*
 * tlb_reset_dirty_by_vaddr: behind a translation, the engine takes back what it gave to stores to its page, by looking
 * through the whole TLB.  Nothing was given to a page that code was fetched from in this epoch.
 */
void
reset_dirty(void *cpu, u64 address, u64 length)
{
    struct fast *f = engine_of_cpu(cpu);
    struct tlb_entry *e = f ? code_entry(f, address) : 0;
    if (f)
        show_hooks(f);
    u64 number = e ? e->physical >> PAGE_BITS : NONE;
    if (number >= (f ? f->pages_count : 0) || f->pages[number].fetched != epoch(f))
        library.reset_dirty(cpu, address, length);
}

/*
 * check_exit_request: emits the question whether to leave, behind memory accesses and code hooks.  It is called for
 * every access of a block before machine code is made of any.
 */
void
check_exit_request(void *tcg, u64 from)
{
    struct fast *f = engine_of_uc(*(void **)((u8 *)tcg + library.tcg_uc));
    if (f)
        hide_hooks(f);
    if (!f || from != library.code_hook_site) {
        library.check_exit_request(tcg);
        return;
    }
    u8 *flag = (u8 *)f->no_exit, before = *flag;
    *flag = 0;
    library.check_exit_request(tcg);
    *flag = before;
}

__asm__(
    ".globl check_exit_request_entry\n"
    "check_exit_request_entry:\n"
    "   movq (%rsp), %rsi\n"
    "   jmp check_exit_request\n");
