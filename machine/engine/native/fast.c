/*
 * The fast engine: machine code that stands in for parts of Unicorn 2.1.4 on x86-64 System V hosts.
 *
 * - The clock: the first run of a translated block counts it here and writes the counting into the block itself, over
 *   the two calls that the engine makes at its head.  The budget that is left lies in unused bytes before the
 *   processor's state; the clock is what was granted less what is left.
 * - The TLB: a page that holds no code is made writable without a slow path, and a page that code is fetched from
 *   keeps all of its aliases on the slow path, so that no store to code is missed.
 * - Leaving: memory accesses do not ask whether to leave; code hooks still do.
 * - SYSCALL, RDTSC and the permission to use ports, without Python.
 *
 * Freestanding and position-independent; fast.py has the same layouts and finds every offset in the library itself.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#define PAGE_BITS 12
#define NONE (~0ULL)

/* QEMU's TranslationBlock (exec-all.h), as far as it is used. */
struct block {
    u64 pc;           /* linear address */
    u64 cs_base;
    u32 flags;
    u16 size;         /* bytes of guest code */
    u16 icount;       /* instructions */
    u32 cflags;
    u32 dstate;
    u8 *code;
    u64 code_size;    /* bytes of machine code; the search data follows it */
};

#define COUNT_MASK 0x7fff /* CF_COUNT_MASK: instructions that the block was limited to; 1 after a store into itself */
#define BLOCK_SPACE 192   /* bytes from a block's description to its code */

/* CPUTLBEntry (cpu-defs.h) and the flags in its addresses. */
struct tlb_entry {
    u64 read, write, code, physical, addend, padding[3];
};
#define TLB_INVALID 0x800
#define TLB_NOTDIRTY 0x400
#define TLB_ENTRY_BITS 6
#define FETCH 2       /* MMU_INST_FETCH */

struct tlb_fast {
    u64 mask;
    struct tlb_entry *table;
};

struct page {
    u32 fetched;      /* epoch in which it last became executable in the TLB */
    u32 clean;        /* epoch in which it last became writable without a slow path */
    u32 code;         /* whether blocks may have been translated from it */
};

/* CPUX86State's head (target/i386/cpu.h). */
struct segment {
    u32 selector, pad;
    u64 base;
    u32 limit, flags;
};
struct state {
    u64 regs[16];
    u64 eip, eflags, cc_dst, cc_src, cc_src2;
    u32 cc_op;
    i32 df;
    u32 hflags, hflags2;
    struct segment segs[6];
    struct segment ldt, tr, gdt, idt;
    u64 cr[5];
    u8 bounds[128];
    u64 efer;
};
struct system_calls {
    u32 sysenter_cs, pad;
    u64 sysenter_esp, sysenter_eip, star, vm_hsave, lstar, cstar, fmask, kernelgsbase;
};
enum { RAX, RCX, RDX, R11 = 11 };
enum { CS = 1, SS = 2 };
#define CPL 3u
#define HF_INHIBIT_IRQ 0x8u
#define HF_CS32 0x10u
#define HF_SS32 0x20u
#define HF_ADDSEG 0x40u
#define HF_CS64 0x8000u
#define EFER_SCE 1
#define STATUS_FLAGS 0x8d5ULL
#define DF 0x400ULL
#define IOPL(flags) ((flags) >> 12 & 3)
#define RF 0x10000ULL
#define VM 0x20000ULL
#define CC_OP_EFLAGS 1
#define CODE_64 0x00af9b00u
#define STACK 0x00cf9300u

struct fast {
    u64 granted;      /* the clock is granted - left */
    u64 limit;        /* stop before the block that would take the clock above this */
    u64 mask;         /* all ones: test clock + size; 0: test the clock alone (run exactly one block) */
    u64 block, block_end; /* linear addresses of the block that runs, where `tag` is 0 */
    u64 stopped;      /* 1 if a block was refused */
    u64 refused;      /* that block */
    u64 warp;         /* virtual time is clock + warp */
    u64 anchor;       /* tags count from here */
    u64 patched, unpatched; /* blocks whose counting was written into them, and those where it could not be */
    u64 hooked_count;
    u64 hooked[64];   /* linear addresses with a code hook before the instruction */
    u64 no_exit;      /* where the engine looks whether memory accesses ask to leave */
    u64 pages_count;
    struct page *pages;
    void *uc;
    u8 *cpu;
    struct state *env;
    i64 *left;
    i32 *tag;
    i32 *exit_request;
    struct tlb_fast *tlb;
    u64 *full_flushes, *part_flushes;
    struct system_calls *calls;
    struct fast *next;
    /* the library's */
    int (*emu_stop)(void *uc);
    void (*check_exit)(void *uc, u32 in_delay_slot);
    u8 (*tlb_fill)(void *cpu, u64 address, i32 size, i32 access, i32 index, u8 probe, u64 from);
    void (*tlb_flush)(void *cpu);
    u32 (*compute_flags)(void *env, u32 cc_op);
    void (*raise)(void *env, i32 vector, i32 error_code, u64 from);
    /* Python's */
    void (*syscall)(void *uc, void *data);
    u32 (*in)(void *uc, u32 port, i32 size, void *data);
    void (*out)(void *uc, u32 port, i32 size, u32 value, void *data);
    i32 (*may_use_port)(u32 port, i32 size);
};

/* All engines of the process, and what was there before `install` put this code into the library's way. */
static struct {
    struct fast *first;
    void (*check_exit_request)(void *tcg);
    void (*unprotect_code)(void *uc, u64 physical);
    u64 code_hook_site;   /* the return address of the question behind a code hook */
    u64 tcg_uc;           /* offset of the engine in its translator */
} all __attribute__((section(".data"))) = { 0, 0, 0, 1, 1 };

static struct fast *
of_uc(void *uc)
{
    struct fast *f = all.first;
    while (f && f->uc != uc)
        f = f->next;
    return f;
}

static struct fast *
of_cpu(void *cpu)
{
    struct fast *f = all.first;
    while (f && (void *)f->cpu != cpu)
        f = f->next;
    return f;
}

void
install(void *check_exit_request, void *unprotect_code, u64 code_hook_site, u64 tcg_uc)
{
    all.check_exit_request = (void (*)(void *))check_exit_request;
    all.unprotect_code = (void (*)(void *, u64))unprotect_code;
    all.code_hook_site = code_hook_site;
    all.tcg_uc = tcg_uc;
}

void
enter(struct fast *f)
{
    f->next = all.first;
    all.first = f;
}

void
withdraw(struct fast *f)
{
    struct fast **at = &all.first;
    while (*at && *at != f)
        at = &(*at)->next;
    if (*at)
        *at = f->next;
}

/* ---- the clock ---- */

static struct block *
tagged(struct fast *f)
{
    return *f->tag ? (struct block *)(f->anchor + (i64)*f->tag) : 0;
}

static int
same(const u8 *at, const void *what, int count)
{
    const u8 *other = what;
    while (count--)
        if (*at++ != *other++)
            return 0;
    return 1;
}

static struct block *
block_around(u8 *from, u64 address)
{
    u8 *code = (u8 *)((u64)from & ~63ULL);
    for (int i = 0; i < 3; i++, code -= 64) {
        struct block *b = (struct block *)(code - BLOCK_SPACE);
        if (b->code == code && b->pc == address)
            return b;
    }
    return 0;
}

static u8 *
put(u8 *at, u64 value, int count)
{
    for (; count--; value >>= 8)
        *at++ = (u8)value;
    return at;
}

/* `slow`'s address follows the code it is called from, so the entry is given by the assembly below. */
void slow_entry(void);
static void *slow_address(void) { void *p; __asm__("lea slow_entry(%%rip), %0" : "=r"(p)); return p; }

/* The sequence `mov rdi, uc; xor esi, esi; call check_exit` behind the hook's call, or 0. */
static u8 *
behind_check(struct fast *f, u8 *from)
{
    if (from[0] != 0x48 || from[1] != 0xbf || !same(from + 2, &f->uc, 8) || from[10] != 0x33 || from[11] != 0xf6)
        return 0;
    from += 12;
    if (from[0] == 0xe8)
        return (u64)(from + 5 + *(i32 *)(from + 1)) == (u64)f->check_exit ? from + 5 : 0;
    if (from[0] == 0xff && from[1] == 0x15)
        return *(u64 *)(from + 6 + *(i32 *)(from + 2)) == (u64)f->check_exit ? from + 6 : 0;
    return 0;
}

/* Where the first argument of the hook's call, the engine, is loaded. */
static u8 *
first_argument(struct fast *f, u8 *from)
{
    for (u8 *at = from - 20; at >= from - 64; at--)
        if (at[0] == 0x48 && at[1] == 0xbf && same(at + 2, &f->uc, 8))
            return at;
    return 0;
}

#define LONGEST 47

/* Write the counting into a block; returns where its code goes on, or 0 if it has another shape. */
static u8 *
patch(struct fast *f, struct block *b, u8 *from)
{
    u8 *end = behind_check(f, from), *at = first_argument(f, from);
    i64 tag = (i64)((u64)b - f->anchor);
    if (!end || !at || end - at < LONGEST || tag != (i32)tag || !tag)
        return 0;
    at = put(at, 0xf445c7, 3);                      /* mov dword [rbp-12], tag */
    at = put(at, (u64)tag, 4);
    at = put(at, 0xf86d8148, 4);                    /* sub qword [rbp-8], size */
    at = put(at, b->size, 4);
    u8 *slow = at + 2 + 4 + 2 + 2;
    at = put(at, 0x78, 1);                          /* js slow */
    at = put(at, (u64)(slow - (at + 1)), 1);
    at = put(at, 0x00f07d83, 4);                    /* cmp dword [rbp-16], 0 */
    at = put(at, 0x78, 1);                          /* js slow */
    at = put(at, (u64)(slow - (at + 1)), 1);
    at = put(at, 0xeb, 1);                          /* jmp end */
    at = put(at, (u64)(end - (at + 1)), 1);
    at = put(at, 0xbf48, 2);                        /* slow: mov rdi, f */
    at = put(at, (u64)f, 8);
    at = put(at, 0xb848, 2);                        /* mov rax, slow_entry */
    at = put(at, (u64)slow_address(), 8);
    at = put(at, 0xd0ff, 2);                        /* call rax */
    while (at < end)
        *at++ = 0x90;
    return end;
}

static void
refuse(struct fast *f, struct block *b)
{
    f->stopped = 1;
    f->refused = (u64)b;
    f->emu_stop(f->uc);
}

/* UC_HOOK_BLOCK: a block's head, before its counting is in it.  Returns where its code goes on. */
u8 *
count_block(struct fast *f, u64 address, u32 size, u8 *from)
{
    struct block *b = block_around(from, address), *last = tagged(f);
    u64 start = last ? last->pc : f->block, end = last ? last->pc + last->size : f->block_end;
    /* A store into the running block: the engine leaves it and restarts the storing instruction alone. */
    if (address >= start && address < end && address + size < end)
        *f->left += (i64)(end - address);
    if (f->granted - (u64)*f->left + (size & f->mask) > f->limit) {
        refuse(f, b);
        return from;
    }
    *f->left -= size;
    *f->tag = 0;
    f->block = address;
    f->block_end = address + size;
    /* A block limited to one instruction may be a restart again, which only this function tells. */
    if (!b || (b->cflags & COUNT_MASK) == 1)
        return from;
    if (!f->anchor)
        f->anchor = (u64)b - 64;
    u8 *on = patch(f, b, from);
    if (!on) {
        f->unpatched++;
        return from;
    }
    f->patched++;
    *f->tag = (i32)((u64)b - f->anchor);
    return on;
}

/* From a block's own counting: the budget is used up, or something asks to leave. */
void
slow(struct fast *f)
{
    struct block *b = tagged(f);
    if (*f->left < 0) {
        *f->left += b->size;
        if (f->granted - (u64)*f->left + (b->size & f->mask) > f->limit)
            refuse(f, b);
        else
            *f->left -= b->size;
    }
    if (*f->exit_request < 0)
        f->check_exit(f->uc, 0);
}

__asm__(
    ".globl block_entry, slow_entry\n"
    "block_entry:\n"               /* (uc, address, size, f) from a block; goes on where count_block says */
    "   movq %rcx, %rdi\n"
    "   movq (%rsp), %rcx\n"
    "   subq $8, %rsp\n"
    "   call count_block\n"
    "   addq $8, %rsp\n"
    "   movq %rax, (%rsp)\n"
    "   ret\n"
    "slow_entry:\n"
    "   jmp slow\n");

/* Signed LEB128, as QEMU's translate-all.c writes the search data. */
static i64
sleb128(u8 **at)
{
    i64 value = 0;
    int shift = 0;
    u8 byte;
    do {
        byte = *(*at)++;
        value |= (i64)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (shift < 64 && (byte & 0x40))
        value |= -1LL << shift;
    return value;
}

/* How many instructions of the refused block begin less than `bytes` behind its start. */
u32
instructions_before(struct fast *f, u64 bytes)
{
    struct block *b = (struct block *)f->refused;
    u8 *at = b->code + b->code_size;
    u64 pc = b->pc;
    u32 count = 0;
    for (u32 i = 0; i < b->icount; i++) {
        pc += (u64)sleb128(&at);
        sleb128(&at);
        sleb128(&at);
        if (pc - b->pc >= bytes)
            break;
        count++;
    }
    return count;
}

/* ---- the TLB ---- */

static u32
epoch(struct fast *f)
{
    return (u32)(*f->full_flushes + *f->part_flushes + 1);
}

static struct tlb_entry *
entry_of(struct fast *f, u64 address, i32 index)
{
    struct tlb_fast *tlb = &f->tlb[index];
    return (struct tlb_entry *)((u8 *)tlb->table + ((address >> (PAGE_BITS - TLB_ENTRY_BITS)) & tlb->mask));
}

u8
tlb_fill(void *cpu, u64 address, i32 size, i32 access, i32 index, u8 probe, u64 from)
{
    struct fast *f = of_cpu(cpu);
    u8 done = f->tlb_fill(cpu, address, size, access, index, probe, from);
    if (!done)
        return 0;
    struct tlb_entry *e = entry_of(f, address, index);
    u64 number = e->physical >> PAGE_BITS;
    if (number >= f->pages_count)
        return 1;
    struct page *page = &f->pages[number];
    if (access == FETCH) {
        if (page->clean == epoch(f)) {
            f->tlb_flush(cpu); /* some alias may be writable without a slow path */
            f->tlb_fill(cpu, address, size, access, index, probe, from);
        }
        page->fetched = epoch(f);
        page->code = 1;
        return 1;
    }
    if (e->write == NONE)
        e->code = NONE; /* a fetch makes its own entry */
    else if (!page->code && page->fetched != epoch(f)) {
        e->code = NONE; /* the engine takes the first store as the sign that no code is here */
        page->clean = epoch(f);
    } else
        e->code = (address & ~0xfffULL) | TLB_INVALID;
    return 1;
}

/* tlb_unprotect_code: no block is left on a page. */
void
unprotect_code(void *uc, u64 physical)
{
    struct fast *f = of_uc(uc);
    u64 number = physical >> PAGE_BITS;
    if (f && number < f->pages_count && f->pages[number].fetched != epoch(f))
        f->pages[number].code = 0;
    all.unprotect_code(uc, physical);
}

/* check_exit_request: emits the question whether to leave, behind memory accesses and code hooks. */
void
check_exit_request(void *tcg, u64 from)
{
    struct fast *f = of_uc(*(void **)((u8 *)tcg + all.tcg_uc));
    if (!f || from != all.code_hook_site) {
        all.check_exit_request(tcg);
        return;
    }
    u8 *flag = (u8 *)f->no_exit, before = *flag;
    *flag = 0;
    all.check_exit_request(tcg);
    *flag = before;
}

__asm__(
    ".globl check_exit_request_entry\n"
    "check_exit_request_entry:\n"
    "   movq (%rsp), %rsi\n"
    "   jmp check_exit_request\n");

/* ---- instructions ---- */

static int
hooked(struct fast *f, u64 address)
{
    for (u64 i = 0; i < f->hooked_count; i++)
        if (f->hooked[i] == address)
            return 1;
    return 0;
}

static u64
linear(struct fast *f)
{
    struct state *s = f->env;
    return s->hflags & HF_CS64 ? s->eip : (u32)(s->segs[CS].base + s->eip);
}

/* Virtual time before the instruction that runs. */
static u64
now(struct fast *f)
{
    struct block *b = tagged(f);
    u64 start = b ? b->pc : f->block, end = b ? b->pc + b->size : f->block_end;
    u64 rip = linear(f), clock = f->granted - (u64)*f->left + f->warp;
    return rip >= start && rip < end ? clock - (end - rip) : clock;
}

i32
rdtsc(void *uc, struct fast *f)
{
    (void)uc;
    u64 time = now(f);
    f->env->regs[RAX] = (u32)time;
    f->env->regs[RDX] = time >> 32;
    return 1;
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
    u64 flags = f->compute_flags(s, s->cc_op) | (s->eflags & ~(STATUS_FLAGS | DF)) | ((u64)(u32)s->df & DF) | 2;
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

/* The blob begins with the distances of its functions from its start. */
__asm__(
    ".section .text.entries, \"ax\"\n"
    "entries:\n"
    "   .long install - entries, enter - entries, withdraw - entries, block_entry - entries\n"
    "   .long tlb_fill - entries, unprotect_code - entries, check_exit_request_entry - entries\n"
    "   .long instructions_before - entries, rdtsc - entries, on_syscall - entries\n"
    "   .long on_in - entries, on_out - entries\n"
    ".text\n");
