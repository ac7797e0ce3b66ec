#ifndef _ASM_PAGE_H
#define _ASM_PAGE_H

#include <linux/kernel.h>

#define PAGE_MASK		(~(PAGE_SIZE - 1UL))
#define PAGE_ALIGN(addr)	ALIGN(addr, PAGE_SIZE)
#define offset_in_page(p)	((unsigned long)(p) & ~PAGE_MASK)

/* Bounds of the image's parts, from the linker script. */
extern char _text[], _etext[], __start_rodata[], __end_rodata[], _sdata[], _edata[], _end[];
extern char __init_begin[], _sinittext[], _einittext[], __init_end[];

/* Physical address of a direct-map or kernel-image address. */
static inline unsigned long __pa(const volatile void *ptr)
{
	unsigned long va = (unsigned long)ptr;

	return va >= __START_KERNEL_map ? va - __START_KERNEL_map : va - PAGE_OFFSET;
}

/* Direct-map address of a physical address. */
static inline void *__va(unsigned long pa)
{
	return (void *)(pa + PAGE_OFFSET);
}

#endif
