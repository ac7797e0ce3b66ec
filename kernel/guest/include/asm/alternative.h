#ifndef _ASM_ALTERNATIVE_H
#define _ASM_ALTERNATIVE_H

/*
 * Instructions that are exchanged at boot where the processor has a feature, so that the others cost those who have not
 * nothing but a NOP (Linux: asm/alternative.h). The new ones are no longer than the old; what is left becomes NOPs.
 */
#ifdef __ASSEMBLY__
.macro ALTERNATIVE oldinstr, newinstr, feature
771:	\oldinstr
772:
	.pushsection .altinstructions, "a"
	.balign	4
	.long	771b - .
	.long	773f - .
	.2byte	\feature
	.byte	772b - 771b
	.byte	774f - 773f
	.popsection
	.pushsection .init.text, "ax"
773:	\newinstr
774:
	.popsection
.endm

/* RFLAGS.AC is the interrupted program's; in ring 0 it would switch SMAP off. */
#define ASM_CLAC	ALTERNATIVE "nopl (%rax)", "clac", X86_FEATURE_SMAP
#else
#include <linux/types.h>

struct alt_instr {
	s32 instr_offset;		/* both relative to their own address */
	s32 repl_offset;
	u16 cpuid;			/* X86_FEATURE_ */
	u8 instrlen;
	u8 replacementlen;
};

#define __ALT_STRING(x)	#x
#define ALT_STRING(x)	__ALT_STRING(x)

#define ALTERNATIVE(oldinstr, newinstr, feature)					\
	"771: " oldinstr "\n772:\n"							\
	".pushsection .altinstructions, \"a\"\n"					\
	".balign 4\n"									\
	".long 771b - .\n"								\
	".long 773f - .\n"								\
	".2byte " ALT_STRING(feature) "\n"						\
	".byte 772b - 771b\n"								\
	".byte 774f - 773f\n"								\
	".popsection\n"									\
	".pushsection .init.text, \"ax\"\n"						\
	"773: " newinstr "\n774:\n"							\
	".popsection\n"

#define NOP3	"nopl (%%rax)"

void alternative_instructions(void);
#endif

#endif
