#ifndef _ASM_LINKAGE_H
#define _ASM_LINKAGE_H

/* A function of assembly: visible, aligned, with its size, so that a debugger names its addresses. */
#define SYM_CODE_START(name)	\
	.globl name;		\
	.balign 16;		\
	.type name, @function;	\
	name:

#define SYM_CODE_END(name)	\
	.size name, . - name

/* A label within a function that a debugger may break at without losing the function's name. */
#define SYM_INNER_LABEL(name)	\
	.globl name;		\
	name:

#endif
