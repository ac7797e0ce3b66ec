/*
 * The kernel's text is made to fit the processor: read-only as it is, by ring 0 itself, which may write where CR0.WP
 * does not forbid it (SDM 3A 4.6.1; Linux: arch/x86/kernel/alternative.c).
 */
#include <asm/alternative.h>
#include <asm/cpufeature.h>
#include <asm/irqflags.h>
#include <asm/processor.h>
#include <linux/string.h>

extern const struct alt_instr __alt_instructions[], __alt_instructions_end[];

#define NOP 0x90

/* Write to the text that runs. Moving to CR0 makes the processor fetch anew (SDM 3A 8.3). */
static noinline void __init text_poke_early(void *addr, const void *opcode, size_t len)
{
	unsigned long flags = local_irq_save();

	write_cr0(read_cr0() & ~(unsigned long)X86_CR0_WP);
	memcpy(addr, opcode, len);
	write_cr0(read_cr0() | X86_CR0_WP);
	local_irq_restore(flags);
}

static noinline void __init apply_alternative(const struct alt_instr *a)
{
	u8 *instr = (u8 *)&a->instr_offset + a->instr_offset;
	const u8 *replacement = (const u8 *)&a->repl_offset + a->repl_offset;
	u8 insn_buff[16];

	BUG_ON(a->instrlen > sizeof(insn_buff) || a->replacementlen > a->instrlen);
	memset(insn_buff, NOP, sizeof(insn_buff));
	memcpy(insn_buff, replacement, a->replacementlen);
	text_poke_early(instr, insn_buff, a->instrlen);
}

/* Called once by start_kernel, when it is known what the processor can do and the command line forbids. */
void __init alternative_instructions(void)
{
	const struct alt_instr *a;

	for (a = __alt_instructions; a < __alt_instructions_end; a++)
		if (boot_cpu_has(a->cpuid))
			apply_alternative(a);
}
