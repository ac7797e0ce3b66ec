#ifndef _LINUX_CPUMASK_H
#define _LINUX_CPUMASK_H

#include <asm/layout.h>
#include <linux/types.h>

/* A bit for each processor (Linux: the same, with as many words as NR_CPUS needs). */
struct cpumask {
	unsigned long bits[1];
};

typedef struct cpumask cpumask_t;

#define CPU_MASK_ALL	((struct cpumask){ { (1UL << NR_CPUS) - 1 } })

/* Processors that are there, and those that run: each by two of Linux's names, which plugging would tell apart. */
extern struct cpumask __cpu_possible_mask, __cpu_present_mask;
extern struct cpumask __cpu_online_mask, __cpu_active_mask;

/* With LOCK: processors change a mask that others look at without a lock of the kernel's. */
static inline void cpumask_set_cpu(int cpu, struct cpumask *mask)
{
	asm volatile("lock btsq %1, %0" : "+m"(mask->bits[0]) : "r"((unsigned long)cpu) : "memory");
}

static inline void cpumask_clear_cpu(int cpu, struct cpumask *mask)
{
	asm volatile("lock btrq %1, %0" : "+m"(mask->bits[0]) : "r"((unsigned long)cpu) : "memory");
}

static inline bool cpumask_test_cpu(int cpu, const struct cpumask *mask)
{
	return *(const volatile unsigned long *)mask->bits >> cpu & 1;
}

static inline unsigned int cpumask_weight(const struct cpumask *mask)
{
	unsigned long bits = mask->bits[0];
	unsigned int n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

#define cpu_online(cpu)		cpumask_test_cpu(cpu, &__cpu_online_mask)
#define num_online_cpus()	cpumask_weight(&__cpu_online_mask)

#define for_each_cpu(cpu, mask)								\
	for ((cpu) = 0; (mask)->bits[0] >> (cpu); (cpu)++)				\
		if (cpumask_test_cpu(cpu, mask))

#define for_each_present_cpu(cpu)	for_each_cpu(cpu, &__cpu_present_mask)
#define for_each_online_cpu(cpu)	for_each_cpu(cpu, &__cpu_online_mask)

#endif
