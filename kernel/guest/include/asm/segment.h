#ifndef _ASM_SEGMENT_H
#define _ASM_SEGMENT_H

#include <asm/layout.h>

#define SEGMENT_RPL_MASK	0x3
#define USER_RPL		0x3

#define RING1_RPL		0x1

#define GDT_ENTRY(selector)	((selector) >> 3)

#endif
