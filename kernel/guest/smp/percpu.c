/* Each processor's own variables (Linux: arch/x86/kernel/setup_percpu.c, which allocates the areas). */
#include <asm/percpu.h>
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>

/* From the linker script: the first processor's area, as it was linked, and room for the others'. */
extern char __per_cpu_start[], __per_cpu_end[], __per_cpu_units[];

unsigned long __per_cpu_offset[NR_CPUS];

__percpu int cpu_number;
__percpu unsigned long this_cpu_off;

/* Called once by start_kernel, before the first area is any different from what was linked. */
void __init setup_per_cpu_areas(void)
{
	size_t size = __per_cpu_end - __per_cpu_start;
	int cpu;

	for (cpu = 1; cpu < NR_CPUS; cpu++) {
		char *unit = __per_cpu_units + (cpu - 1) * size;

		memcpy(unit, __per_cpu_start, size);
		__per_cpu_offset[cpu] = unit - __per_cpu_start;
		per_cpu(cpu_number, cpu) = cpu;
		per_cpu(this_cpu_off, cpu) = __per_cpu_offset[cpu];
	}
}
