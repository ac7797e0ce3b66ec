#ifndef _ASM_PERCPU_H
#define _ASM_PERCPU_H

#include <asm/layout.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * Variables that each processor has its own of. A name alone is the first processor's; the others' lie so many bytes
 * behind it. GS points to the processor's own area, and in it is this distance (Linux: asm/percpu.h).
 */
extern unsigned long __per_cpu_offset[NR_CPUS];

#define this_cpu_offset()								\
	({										\
		unsigned long __offset;							\
											\
		asm volatile("movq %%gs:percpu_this_cpu_off, %0" : "=r"(__offset));	\
		__offset;								\
	})

#define per_cpu_at(ptr, offset)	((__typeof__(ptr))((unsigned long)(ptr) + (offset)))
#define per_cpu_ptr(ptr, cpu)	per_cpu_at(ptr, __per_cpu_offset[cpu])
#define this_cpu_ptr(ptr)	per_cpu_at(ptr, this_cpu_offset())
#define per_cpu(var, cpu)	(*per_cpu_ptr(&(var), cpu))
#define this_cpu(var)		(*this_cpu_ptr(&(var)))

extern int cpu_number;
#define smp_processor_id()	this_cpu(cpu_number)

void setup_per_cpu_areas(void);

#endif
