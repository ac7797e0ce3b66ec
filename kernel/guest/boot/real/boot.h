#ifndef BOOT_H
#define BOOT_H

/* The setup code: 16-bit real mode, CS = DS = SS, all of it in 64 KiB (Linux: arch/x86/boot/boot.h). */
#include <asm/bootparam.h>
#include <asm/io.h>
#include <linux/compiler.h>
#include <linux/types.h>

/* Registers for a service of the BIOS, in the order in which intcall pops them. */
struct biosregs {
	u32 edi, esi, ebp, _esp, ebx, edx, ecx, eax;
	u16 gs, fs, es, ds;
	u32 eflags;
};

#define EFLAGS_CF	0x0001

extern struct setup_header hdr;		/* header.S, as the loader filled it in */

/* bioscall.S: int_no with *ireg; what it answers goes to *oreg. */
void intcall(u8 int_no, const struct biosregs *ireg, struct biosregs *oreg);

/* pmjump.S: both are linear addresses. */
void protected_mode_jump(u32 entrypoint, u32 bootparams) __noreturn;

int main(void);
void initregs(struct biosregs *reg);	/* regs.c */
void detect_memory(void);		/* memory.c */
int enable_a20(void);			/* a20.c */
void go_to_protected_mode(void) __noreturn;	/* pm.c */
void validate_cpu(void);		/* cpu.c */
void puts(const char *s);		/* tty.c */
void die(void) __noreturn;		/* header.S */

static inline u16 ds(void)
{
	u16 seg;

	asm("movw %%ds, %0" : "=rm"(seg));
	return seg;
}

/* Where something in this segment lies. */
static inline u32 linear(const void *p)
{
	return ((u32)ds() << 4) + (u32)(uintptr_t)p;
}

#endif
