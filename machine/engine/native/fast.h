/*
 * The fast engine: machine code that stands in for parts of Unicorn 2.1.4 on x86-64 System V hosts.
 *
 * - The clock: the first run of a translated block counts it here and writes the counting into the block itself, over
 *   the two calls that the engine makes at its head.  The clock is what was granted less what is left.  Of that,
 *   blocks count down a portion, in the low half of the word whose high half asks to leave: a portion used up and a
 *   wish to leave both make the word negative, and one branch sees both.  The rest lies in unused bytes before the
 *   processor's state.
 * - The TLB: a page that holds no code is made writable without a slow path, and a page that code is fetched from
 *   keeps all of its aliases on the slow path, so that no store to code is missed.
 * - Leaving: memory accesses do not ask whether to leave; code hooks still do.
 * - Jumps that are not chained find their block in a table of this engine.
 * - Watchpoints: the pages that hold a watched byte keep their slow path, and all others lose it; a change of paging
 *   leaves the engine while watched memory may move with it.
 * - SYSCALL, RDTSC and the permission to use ports, without Python.
 *
 * Freestanding and position-independent; machinecode.py has the same layouts, and library.py finds every offset in the library itself.
 */
#include "trace.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
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
#define TLB_WATCHPOINT 0x100
#define TLB_ENTRY_BITS 6
#define TLB_TABLES 3  /* NB_MMU_MODES */
#define LOAD 0        /* MMU_DATA_LOAD */
#define FETCH 2       /* MMU_INST_FETCH */

struct tlb_fast {
    u64 mask;
    struct tlb_entry *table;
};

/* Pages of physical memory with a watched byte. */
#define READS 1
#define WRITES 2
struct watched {
    u64 first, last;  /* numbers of pages */
    u64 kinds;        /* READS, WRITES */
};

/* What a memory hook of a watchpoint has as its data. */
struct watch {
    struct fast *fast;
    i32 (*touched)(u32 kind, u64 address, i32 size); /* Python's: whether to leave before the access */
    u64 first, last;  /* physical addresses */
    u64 tables;       /* a bit for each of the page tables under which it holds */
};

/* What the hook of a breakpoint has as its data. */
struct point {
    struct fast *fast;
    u64 armed;
};
#define MET 1
#define MET_DISARMED 2

/* Page tables, by CR3, under which it is known where watched linear memory lies. */
#define MOST_TABLES 16

#define MOST_LISTS 2

/* An instruction that can be left between its memory accesses, as Python has said of its bytes in a mode. */
struct leavable {
    u64 at, mode, code[2];
};
#define LEAVABLE 16

/* What a jump to a linear address in some state leads to. */
struct found {
    u64 pc;
    u8 *code;
    u64 generation;
    u32 flags;        /* the block's */
    u32 page;         /* number of the physical page that holds all of the block's code, or NO_PAGE */
};
#define FOUND 4096
#define NO_PAGE 0xffffffffu

/* What the TLB was last filled with for a load. */
struct filled {
    u64 page;         /* linear address; 1: none that is plain memory */
    u64 index;        /* which of the tables */
    u64 addend;
    u64 losses;       /* as `losses` was */
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
enum { RAX, RCX, RDX, RSP = 4, R11 = 11 };
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
#define RECURRING 0x568 /* uc_struct.size_recur_mem: an access to two pages is being made in pieces */
#define VM 0x20000ULL
#define CC_OP_EFLAGS 1
#define HF_LMA 0x4000u
#define IF 0x200ULL
#define TF 0x100ULL
#define NT 0x4000ULL
#define CODE_64 0x00af9b00u
#define STACK 0x00cf9300u

#define MOST_HOOKED 256

/* The pending exception, in CPUX86State. */
struct exception {
    i32 error_code;
    i32 is_int;       /* INT n, INT3, INTO */
    u64 next_eip;
};

/* tallies.py */
struct tallies {
    u64 delivered[3][2][256]; /* by source, whether the ring changed, vector */
    u64 system_calls[2], system_enters[2];
};

struct fast {
    u64 granted;      /* the clock is granted - left */
    u64 limit;        /* stop before the block that would take the clock above this */
    u64 mask;         /* all ones: test clock + size; 0: test the clock alone (run exactly one block) */
    u64 block, block_end; /* linear addresses of the block that runs, where `tag` is 0 */
    u64 stopped;      /* 1 if a block was refused */
    int (*emu_stop)(void *uc);
    struct trace *trace; /* where branches are recorded, or 0: no block counts itself then */
    /* so far as struct progress, but for the first */
    u64 refused;      /* that block */
    u64 warp;         /* virtual time is clock + warp */
    u64 anchor;       /* tags count from here */
    u64 patched, unpatched; /* blocks whose counting was written into them, and those where it could not be */
    u64 hooked_count;
    u64 hooked[MOST_HOOKED];   /* linear addresses with a code hook before the instruction */
    u64 no_exit;      /* where the engine looks whether memory accesses ask to leave */
    u64 pages_count;
    struct page *pages;
    u64 events;       /* exceptions and interrupts delivered */
    u64 most_events;  /* the count at which the engine leaves off */
    u8 *ram;          /* the guest's physical memory */
    u64 ram_size;
    void *uc;
    u8 *cpu;
    struct state *env;
    i64 *rest;        /* bytes of code that may run, beyond the portion */
    i32 *tag;
    u32 *portion;     /* IcountDecr: its high half asks to leave */
    struct tlb_fast *tlb;
    u64 *full_flushes, *part_flushes;
    struct system_calls *calls;
    struct exception *exception;
    i32 *old_exception;
    u64 *tsc_aux;
    struct fast *next;
    /* the library's */
    void (*check_exit)(void *uc, u32 in_delay_slot);
    u8 (*tlb_fill)(void *cpu, u64 address, i32 size, i32 access, i32 index, u8 probe, u64 from);
    void (*tlb_flush)(void *cpu);
    u32 (*compute_flags)(void *env, u32 cc_op);
    void (*raise)(void *env, i32 vector, i32 error_code, u64 from);
    /* Python's */
    void (*on_exception)(void *uc, u32 vector, void *data);
    void (*syscall)(void *uc, void *data);
    u32 (*in)(void *uc, u32 port, i32 size, void *data);
    void (*out)(void *uc, u32 port, i32 size, u32 value, void *data);
    i32 (*may_use_port)(u32 port, i32 size);
    struct tallies *tallies;
    i32 (*on_block)(u64 address, u32 size);
    struct watched *watched;
    u64 watched_count;
    void **lists[MOST_LISTS]; /* where the engine keeps its lists of hooks on memory */
    void *listed[MOST_LISTS]; /* what was there, while they are hidden */
    u64 hidden;
    void (*loop_exit)(void *cpu);
    u64 asked;        /* the block that on_block was last called for, since the engine was entered */
    u64 follows;      /* whether the engine is left behind an instruction that changes paging */
    u64 moved;        /* it was */
    struct filled filled;
    u8 *(*lookup_tb_ptr)(void *env);
    struct found *found;
    u64 forgotten;    /* how often the TLB lost a page */
    u64 *invalidations; /* how often a block was taken away, as the library counts it */
    u8 **epilogue;    /* the way out of the translated code */
    u64 caught;       /* the engine was left in the middle of an instruction, before an access */
    u64 alone;        /* an instruction that was caught runs once more, by itself, */
    u64 alone_clock;  /* from here on, */
    u64 alone_cr2;    /* with this CR2 before it */
    u32 *next_flags;  /* for the next translation alone (CPUState's cflags_next_tb) */
    struct leavable leavable[LEAVABLE];
    u64 passes, passed, passed_at; /* whether a stop was told for an instruction, its linear address, and the clock there */
    u64 met, met_at;  /* MET or MET_DISARMED if a breakpoint stopped the engine, and its linear address */
    u64 tables[MOST_TABLES], tables_count;
    u64 table;        /* the bit of those that are loaded */
};

/* The library's functions that this code stands before, and what else machinecode.py tells of the library. */
struct library {
    void (*check_exit_request)(void *tcg);
    void (*unprotect_code)(void *uc, u64 physical);
    void (*reset_dirty)(void *cpu, u64 address, u64 length);
    void (*update_cr0)(struct state *env, u32 value);
    void (*update_cr3)(struct state *env, u64 value);
    void (*update_cr4)(struct state *env, u32 value);
    void (*gen_lookup)(void *tcg);
    void (*tb_flush)(void *cpu);
    void (*tb_flush_jmp_cache)(void *cpu, u64 address);
    u64 code_hook_site;   /* the return address of the question behind a code hook */
    u64 tcg_uc;           /* offsets in the translator: the engine, */
    u64 tcg_last;         /* the last operation's link, */
    u64 tcg_invalidations, tcg_epilogue;
};
#define HIDDEN __attribute__((visibility("hidden")))
extern HIDDEN struct library library;
extern HIDDEN struct fast *engines; /* of the process */

static inline struct fast *
engine_of_env(struct state *env)
{
    struct fast *f = engines;
    while (f && f->env != env)
        f = f->next;
    return f;
}

/* An address that follows the code it is called from. */
#define ADDRESS(entry) ({ void *p; __asm__("lea " #entry "(%%rip), %0" : "=r"(p)); p; })

#define MOST_PORTION 0xdfffu /* no block has the 8 KiB that are missing to 64 KiB: more is a portion below 0 */

/* clock.c */
struct block *tagged(struct fast *f);
i64 left(struct fast *f);
void leave(struct fast *f, i64 bytes);
u64 linear(struct fast *f);
int counted(struct fast *f, u64 address);
u64 exact(struct fast *f, u64 address);
void settle(struct fast *f, u64 address);
u8 *count_block(struct fast *f, u64 address, u32 size, u8 *from);
void slow(struct fast *f);
int prefix(u8 byte);
u32 instructions_before(struct fast *f, u64 bytes);

/* tlb.c */
void install(const struct library *told);
struct fast *engine_of_uc(void *uc);
struct fast *engine_of_cpu(void *cpu);
void enter(struct fast *f);
void withdraw(struct fast *f);
u64 losses(struct fast *f);
u8 tlb_fill(void *cpu, u64 address, i32 size, i32 access, i32 index, u8 probe, u64 from);
void unprotect_code(void *uc, u64 physical);
void reset_dirty(void *cpu, u64 address, u64 length);
void check_exit_request(void *tcg, u64 from);
const u8 *code_at(struct fast *f, u64 address);
struct tlb_entry *entry_of(struct fast *f, u64 address, i32 index);

/* lookup.c */
void forget_all(struct fast *f);
u8 *lookup_block(struct state *s);
void forget_blocks(void *cpu);
void forget_page(void *cpu, u64 address);
void lookup_and_jump(void *tcg);

/* strings.c */
i32 mmu_index(struct state *s);
u32 string_width(struct fast *f, struct block *b);
u64 repeat(struct fast *f, u32 width, u64 most);

/* watch.c */
void hide_hooks(struct fast *f);
void show_hooks(struct fast *f);
void mark_watched(struct fast *f, struct tlb_entry *e, int clean);
void update_cr0(struct state *env, u32 value);
void update_cr3(struct state *env, u64 value);
void update_cr4(struct state *env, u32 value);
void on_access(void *uc, u32 kind, u64 address, i32 size, i64 value, struct watch *w);

/* system.c */
int hooked(struct fast *f, u64 address);
u64 flags_of(struct fast *f);
i32 rdtsc(void *uc, struct fast *f);
i32 rdtscp(void *uc, struct fast *f);
void on_syscall(void *uc, struct fast *f);
u32 on_in(void *uc, u32 port, i32 size, struct fast *f);
void on_out(void *uc, u32 port, i32 size, u32 value, struct fast *f);

/* flags.c */
void update_flags(void);

/* delivery.c */
void on_exception(void *uc, u32 vector, struct fast *f);
u32 interrupt(struct fast *f, u32 vector, u64 flags);
