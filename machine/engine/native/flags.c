/* Flags: the engine computes them when it must; before one of its helpers that looks at them it does not. */
typedef unsigned long long u64;
typedef unsigned int u32;

struct flags {
    int (*read)(void *uc, int number, u64 *value);
    int (*write)(void *uc, int number, const u64 *value);
    int (*save)(void *uc, void *context);
    void *context;
    const u32 *cc_op; /* in the context: how the flags follow from the operands */
    const u64 *eflags; /* in the context: the other flags */
    u64 number;       /* UC_X86_REG_EFLAGS */
};

#define CC_OP_LOGICB 22
#define CC_OP_LOGICQ 25
#define STATUS_FLAGS_AND_DF 0xcd5ULL

/*
 * UC_HOOK_CODE.  Behind the hook the engine computes the flags into cc_src, and leaves cc_op as it is here: let that
 * say that cc_src holds them.  After a logic operation the result alone gives them, so nothing is to be done, and the
 * engine would not look at cc_src.
 */
void
update_flags(void *uc, u64 address, u32 size, struct flags *f)
{
    u64 value = 0;
    (void)address;
    (void)size;
    f->save(uc, f->context);
    if (*f->cc_op >= CC_OP_LOGICB && *f->cc_op <= CC_OP_LOGICQ)
        return;
    f->read(uc, (int)f->number, &value);
    value = (value & STATUS_FLAGS_AND_DF) | (*f->eflags & ~STATUS_FLAGS_AND_DF);
    f->write(uc, (int)f->number, &value);
}
