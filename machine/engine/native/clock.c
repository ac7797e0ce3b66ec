/* The clock of the fast engine, counted inside the translated blocks. */
#include "fast.h"

struct block *
tagged(struct fast *f)
{
    return *f->tag ? (struct block *)(f->anchor + (i64)*f->tag) : 0;
}

/* Bytes of code that may still run. */
i64
left(struct fast *f)
{
    i64 portion = *f->portion & 0xffff;
    return *f->rest + (portion > MOST_PORTION ? portion - 0x10000 : portion);
}

void
leave(struct fast *f, i64 bytes)
{
    i64 portion = bytes < 0 ? 0 : bytes > MOST_PORTION ? MOST_PORTION : bytes;
    *f->rest = bytes - portion;
    *(u16 *)f->portion = (u16)portion;
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

u64
linear(struct fast *f)
{
    struct state *s = f->env;
    return s->hflags & HF_CS64 ? s->eip : (u32)(s->segs[CS].base + s->eip);
}

static u64
start_of(struct fast *f)
{
    struct block *b = tagged(f);
    return b ? b->pc : f->block;
}

static u64
end_of(struct fast *f)
{
    struct block *b = tagged(f);
    return b ? b->pc + b->size : f->block_end;
}

/* Whether the instruction at an address is of the block that runs. */
int
counted(struct fast *f, u64 address)
{
    return address >= start_of(f) && address < end_of(f);
}

/* Bytes of code executed before the instruction at an address. */
u64
exact(struct fast *f, u64 address)
{
    u64 clock = f->granted - (u64)left(f);
    return !f->stopped && counted(f, address) ? clock - (end_of(f) - address) : clock;
}

/* Refund the part of the block that did not run. */
void
settle(struct fast *f, u64 address)
{
    leave(f, (i64)(f->granted - exact(f, address)));
    *f->tag = 0;
    f->block = f->block_end = 0;
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

/* Where a block's code begins, if all that comes before the hook's call is a store of its address to RIP, which `slow` does. */
static u8 *
head(struct block *b, u8 *call)
{
    const u8 *store = call - 7;
    if (call - b->code == 11 && same(b->code, "\x48\xc7\x85\x80\0\0\0", 7)) /* mov qword [rbp+0x80], address */
        return b->code;
    if (call - b->code > 17 || call - b->code < 12 || (store[0] & 0xfb) != 0x48 || store[1] != 0x89)
        return call;
    return (store[2] & 0xc7) == 0x85 && same(store + 3, "\x80\0\0\0", 4) ? b->code : call; /* from a register */
}

#define WORDS 5 /* what is written into a block, as few stores as can be: the host starts over at each */

union counting {
    struct __attribute__((packed)) {
        u8 mov_tag[3];    /* mov dword [rbp-12], tag */
        i32 tag;
        u8 sub_size[3];   /* sub dword [rbp-16], size */
        u32 size;
        u8 jns, to_end;   /* jns end */
        u16 mov_rdi;      /* mov rdi, f */
        struct fast *f;
        u16 mov_rax;      /* mov rax, slow */
        void *slow;
        u16 call_rax;     /* call rax */
        u8 jmp, again;    /* jmp end */
    } code;
    u64 words[WORDS];
};

/* For a string instruction with REP. */
union repeating {
    struct __attribute__((packed)) {
        u16 mov_rdi;      /* mov rdi, f */
        struct fast *f;
        u8 mov_esi;       /* mov esi, tag */
        i32 tag;
        u8 mov_edx;       /* mov edx, width */
        u32 width;
        u16 mov_rax;      /* mov rax, count_string */
        void *count;
        u16 call_rax;     /* call rax */
        u8 jmp, to_end;   /* jmp end */
    } code;
    u64 words[WORDS];
};

/* Write the counting into a block; returns where its code goes on, or 0 if it has another shape. */
static u8 *
patch(struct fast *f, struct block *b, u8 *from)
{
    u8 *end = behind_check(f, from), *call = first_argument(f, from);
    i64 tag = (i64)((u64)b - f->anchor);
    if (!end || !call || tag != (i32)tag || !tag)
        return 0;
    u8 *at = head(b, call);
    if (end - at < (i64)sizeof(union counting))
        return 0;
    u32 width = b->size <= 3 && !hooked(f, b->pc) ? string_width(f, b) : 0;
    union repeating r = { .code = {
        .mov_rdi = 0xbf48, .f = f, .mov_esi = 0xbe, .tag = (i32)tag, .mov_edx = 0xba, .width = width,
        .mov_rax = 0xb848, .count = ADDRESS(count_string_entry), .call_rax = 0xd0ff,
        .jmp = 0xeb, .to_end = (u8)(end - (at + 34)),
    } };
    union counting c = { .code = {
        .mov_tag = { 0xc7, 0x45, 0xf4 }, .tag = (i32)tag,
        .sub_size = { 0x81, 0x6d, 0xf0 }, .size = b->size,
        .jns = 0x79, .to_end = (u8)(end - (at + 16)),
        .mov_rdi = 0xbf48, .f = f, .mov_rax = 0xb848, .slow = ADDRESS(slow_entry), .call_rax = 0xd0ff,
        .jmp = 0xeb, .again = (u8)(end - (at + 40)),
    } };
    for (int i = 0; i < WORDS; i++)
        ((volatile u64 *)at)[i] = width ? r.words[i] : c.words[i];
    return end;
}

static void
refuse(struct fast *f, struct block *b)
{
    f->stopped = 1;
    f->refused = (u64)b;
    f->emu_stop(f->uc);
}

/* Whether CMPXCHG8B or CMPXCHG16B may be in a block, 0F C7 /1: where the engine needs a hook to get its flags right. */
static int
exchanges(struct fast *f, u64 address, u32 size)
{
    const u8 *code = code_at(f, address);
    if (!code || (address & 0xfff) + size > 4096)
        return 1;
    for (u32 i = 0; i + 2 < size; i++)
        if (code[i] == 0x0f && code[i + 1] == 0xc7 && (code[i + 2] >> 3 & 7) == 1)
            return 1;
    return 0;
}

/* UC_HOOK_BLOCK: a block's head, before its counting is in it.  Returns where its code goes on. */
u8 *
count_block(struct fast *f, u64 address, u32 size, u8 *from)
{
    struct block *b = block_around(from, address);
    show_hooks(f); /* it was just translated */
    /* A store into the running block: the engine leaves it and restarts the storing instruction alone. */
    if (counted(f, address) && address + size < end_of(f)) {
        leave(f, left(f) + (i64)(end_of(f) - address));
        if (f->trace)
            trace_cut(f->trace, address);
    }
    if (f->granted - (u64)left(f) + (size & f->mask) > f->limit) {
        refuse(f, b);
        return from;
    }
    /* What runs alone has been looked at as part of another block. */
    if (!f->alone && exchanges(f, address, size) && f->on_block && (!b || f->asked != (u64)b)) {
        f->asked = (u64)b; /* a block that keeps asking, because its counting cannot be written into it, asks Python once */
        if (f->on_block(address, size)) {
            refuse(f, b);
            return from;
        }
    }
    if (f->trace)
        trace_block(f->trace, f->uc, address, size);
    leave(f, left(f) - size);
    *f->tag = 0;
    f->block = address;
    f->block_end = address + size;
    /* A block limited to one instruction may be a restart again, which only this function tells. */
    if (!b || (b->cflags & COUNT_MASK) == 1 || f->trace)
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

/* At a block's head, where the clock has it: `bytes` are left behind it, less than none if it may not run. */
static void
run(struct fast *f, struct block *b, i64 bytes, u32 leaving)
{
    *f->portion = leaving ? 0xffff0000 : 0;
    f->env->eip = b->pc - b->cs_base;
    if (bytes < 0 && f->granted - (u64)(bytes + b->size) + (b->size & f->mask) > f->limit) {
        bytes += b->size;
        refuse(f, b);
    }
    leave(f, bytes);
    if ((i32)*f->portion < 0)
        f->check_exit(f->uc, 0);
}

/* From a block's own counting: the portion is used up, or something asks to leave. */
void
slow(struct fast *f)
{
    u32 now = *f->portion;
    run(f, tagged(f), left(f), now >> 16 != ((now & 0xffff) > MOST_PORTION ? 0xffff : 0));
}

/* At the head of a string instruction's block. */
void
count_string(struct fast *f, i32 tag, u32 width)
{
    *f->tag = tag;
    struct block *b = tagged(f);
    i64 bytes = left(f);
    if (bytes > 0)
        bytes -= (i64)repeat(f, width, (u64)bytes / b->size) * b->size;
    run(f, b, bytes - b->size, *f->portion >> 16);
}

__asm__(
    ".globl block_entry, slow_entry, count_string_entry\n"
    "block_entry:\n"               /* (uc, address, size, f) from a block; goes on where count_block says */
    "   movq %rcx, %rdi\n"
    "   movq (%rsp), %rcx\n"
    "   subq $8, %rsp\n"
    "   call count_block\n"
    "   addq $8, %rsp\n"
    "   movq %rax, (%rsp)\n"
    "   ret\n"
    "slow_entry:\n"
    "   jmp slow\n"
    "count_string_entry:\n"
    "   jmp count_string\n");

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

/* A legacy prefix, or REX, or an instruction of one byte. */
int
prefix(u8 byte)
{
    return (byte & 0xf0) == 0x40 || (byte & 0xe7) == 0x26 || (byte & 0xfc) == 0x64 || (byte & 0xfc) == 0xf0;
}

/*
 * BT, BTC, BTR, BTS: what they leave in the flags that the SDM calls undefined depends, in this engine, on whether an
 * instruction of the same block set flags before.
 */
static int
tests_bit(const u8 *code, const u8 *end)
{
    while (code + 2 < end && prefix(*code))
        code++;
    return code + 2 < end && code[0] == 0x0f && ((code[1] & 0xe7) == 0xa3 || code[1] == 0xba);
}

#define LONGEST_INSTRUCTION 15

/*
 * How many instructions of the refused block begin less than `bytes` behind its start.  A bit test is left to be run
 * alone, as an engine that comes here by single steps runs it.
 */
u32
instructions_before(struct fast *f, u64 bytes)
{
    struct block *b = (struct block *)f->refused;
    u8 *at = b->code + b->code_size, raw[LONGEST_INSTRUCTION];
    u64 pc = b->pc, room = 4096 - (pc & 0xfff);
    const u8 *code = code_at(f, pc), *behind = b->size > room ? code_at(f, pc + room) : code;
    u32 count = 0;
    if (!code || !behind)
        return 0;
    for (u32 i = 0; i < b->icount; i++) {
        pc += (u64)sleb128(&at);
        sleb128(&at);
        sleb128(&at);
        u64 from = pc - b->pc, length = 0;
        for (; length < LONGEST_INSTRUCTION && from + length < b->size; length++)
            raw[length] = from + length < room ? code[from + length] : behind[from + length - room];
        if (from >= bytes || tests_bit(raw, raw + length))
            break;
        count++;
    }
    return count;
}
