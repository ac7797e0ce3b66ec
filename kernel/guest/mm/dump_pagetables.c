/*
 * /sys/kernel/debug/page_tables: what is mapped where, with which rights, by entries of which level. Neighbours that are
 * alike are one line; what is not mapped is left out (Linux: arch/x86/mm/dump_pagetables.c, which shows holes too).
 */
#include <asm/cpufeature.h>
#include <asm/pti.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#define RIGHTS		(_PAGE_USER | _PAGE_RW)		/* these every level must give, */
#define ATTRIBUTES	(_PAGE_PWT | _PAGE_PCD | _PAGE_GLOBAL)	/* these are the last one's, and NX may be any one's */

static const struct {
	unsigned long start_address;
	const char *name;
} address_markers[] = {
	{ 0, "User Space" },
	{ 0xffff800000000000UL, "Kernel Space" },
	{ LDT_BASE_ADDR, "LDT remap" },
	{ PAGE_OFFSET, "Low Kernel Mapping" },
	{ VMALLOC_START, "vmalloc() Area" },
	{ VMEMMAP_START, "Vmemmap" },
	{ __START_KERNEL_map, "High Kernel Mapping" },
	{ FIXADDR_START, "Fixmap Area" },
};

/* The line that is being collected. */
struct pg_state {
	struct seq_file *m;
	unsigned long start, end;
	u64 prot;
	int level;		/* 0: none yet */
	unsigned int marker;	/* the next */
};

static void show_size(struct seq_file *m, unsigned long size)
{
	const char *unit = "KMGT";

	for (size >>= 10; !(size & 1023) && unit[1]; unit++)
		size >>= 10;
	seq_printf(m, "%9lu%c ", size, *unit);
}

static void flush_line(struct pg_state *st)
{
	static const char *const names[] = { "", "pte", "pmd", "pud", "pgd" };
	u64 pr = st->prot;

	if (!st->level)
		return;
	seq_printf(st->m, "0x%016lx-0x%016lx   ", st->start, st->end);
	show_size(st->m, st->end - st->start);
	seq_printf(st->m, "%s%s%s%s%s%s%s%s\n", pr & _PAGE_USER ? "USR " : "    ", pr & _PAGE_RW ? "RW " : "ro ",
		   pr & _PAGE_PWT ? "PWT " : "    ", pr & _PAGE_PCD ? "PCD " : "    ", st->level > 1 ? "PSE " : "    ",
		   pr & _PAGE_GLOBAL ? "GLB " : "    ", pr & _PAGE_NX ? "NX " : "x  ", names[st->level]);
	st->level = 0;
}

/* A page, or a large one, at address: part of the line, or the beginning of the next. */
static noinline void note_page(struct pg_state *st, unsigned long address, u64 prot, int level)
{
	unsigned long size = 1UL << (PAGE_SHIFT + 9 * (level - 1));
	bool marked = st->marker < ARRAY_SIZE(address_markers) && address >= address_markers[st->marker].start_address;

	if (level != st->level || prot != st->prot || address != st->end || marked) {
		flush_line(st);
		for (; st->marker < ARRAY_SIZE(address_markers) &&
		       address >= address_markers[st->marker].start_address; st->marker++)
			seq_printf(st->m, "---[ %s ]---\n", address_markers[st->marker].name);
		st->start = address;
		st->prot = prot;
		st->level = level;
	}
	st->end = address + size;
}

static void walk_table(struct pg_state *st, const u64 *table, int level, unsigned long base, u64 above)
{
	unsigned int shift = PAGE_SHIFT + 9 * (level - 1), i;

	for (i = 0; i < PTRS_PER_TABLE; i++) {
		unsigned long address = base + ((unsigned long)i << shift);
		u64 entry = table[i], prot = (entry & above & RIGHTS) | ((entry | above) & _PAGE_NX);

		if (!(entry & _PAGE_PRESENT))
			continue;
		if (level == PGTABLE_LEVELS)
			address = (long)(address << (55 - shift)) >> (55 - shift);
		if (level == 1 || (entry & _PAGE_PSE))
			note_page(st, address, prot | (entry & ATTRIBUTES), level);
		else
			walk_table(st, pte_page_address(entry), level - 1, address, prot);
	}
}

static int ptdump_walk_pgd(struct seq_file *m, const pgd_t *pgd)
{
	struct pg_state st = { .m = m };

	walk_table(&st, pgd, PGTABLE_LEVELS, 0, RIGHTS);
	flush_line(&st);
	return 0;
}

/* The kernel's own. */
static int ptdump_show(struct seq_file *m)
{
	return ptdump_walk_pgd(m, init_mm.pgd);
}

/* Those that are loaded while the reader is in the kernel, */
static int ptdump_curknl_show(struct seq_file *m)
{
	return ptdump_walk_pgd(m, current->mm->pgd);
}

/* and in ring 3: with page-table isolation others. */
static int ptdump_curusr_show(struct seq_file *m)
{
	pgd_t *pgd = current->mm->pgd;

	return ptdump_walk_pgd(m, boot_cpu_has(X86_FEATURE_PTI) ? kernel_to_user_pgdp(pgd) : pgd);
}

#define DEFINE_SHOW(name)									\
	static ssize_t name##_read(struct file *file, char __user *buf, size_t count, loff_t *pos)	\
	{											\
		return single_read(name##_show, NULL, buf, count, pos);				\
	}											\
												\
	static const struct file_operations name##_fops = { .read = name##_read, .llseek = generic_file_llseek }

DEFINE_SHOW(ptdump);
DEFINE_SHOW(ptdump_curknl);
DEFINE_SHOW(ptdump_curusr);

#define DIRECTORY "/sys/kernel/debug/page_tables/"

static int __init pt_dump_debug_init(void)
{
	int err = create_pseudo_file(DIRECTORY "kernel", 0400, &ptdump_fops);

	if (!err)
		err = create_pseudo_file(DIRECTORY "current_kernel", 0400, &ptdump_curknl_fops);
	return err ? err : create_pseudo_file(DIRECTORY "current_user", 0400, &ptdump_curusr_fops);
}
device_initcall(pt_dump_debug_init);
