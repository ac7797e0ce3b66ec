/* Registers for intcall (Linux: arch/x86/boot/regs.c). */
#include <linux/string.h>
#include "boot.h"

void initregs(struct biosregs *reg)
{
	memset(reg, 0, sizeof(*reg));
	reg->eflags |= EFLAGS_CF;
	reg->ds = ds();
	reg->es = ds();
	reg->fs = ds();
	reg->gs = ds();
}
