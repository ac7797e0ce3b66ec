/*
 * The local descriptor table: segments that a program makes for itself. The processor finds the table by a
 * descriptor in the GDT and LDTR; each address space has its own table, or none (Linux: arch/x86/kernel/ldt.c).
 */
#include <asm/cpufeature.h>
#include <asm/irqflags.h>
#include <asm/ldt.h>
#include <asm/pti.h>
#include <asm/tlbflush.h>
#include <asm/uaccess.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/syscalls.h>

/*
 * A user's segment may be data, stack or code, 16 or 32 bits wide, of any base and limit; never 64-bit code, never
 * of another ring: whatever the program says, DPL is 3 and S is 1, so no gate can be smuggled in.
 */
void fill_ldt(struct desc_struct *desc, const struct user_desc *info)
{
	*desc = (struct desc_struct) {
		.limit0 = info->limit, .limit1 = info->limit >> 16,
		.base0 = info->base_addr, .base1 = info->base_addr >> 16, .base2 = info->base_addr >> 24,
		.type = (info->read_exec_only ^ 1) << 1 | info->contents << 2 | 1,
		.s = 1, .dpl = DPL_USER, .p = info->seg_not_present ^ 1, .avl = info->useable,
		.d = info->seg_32bit, .g = info->limit_in_pages,
	};
}

/* What a program writes to clear an entry. */
bool user_desc_is_empty(const struct user_desc *info)
{
	return !info->base_addr && !info->limit && !info->contents && info->read_exec_only && !info->seg_32bit &&
	       !info->limit_in_pages && info->seg_not_present && !info->useable;
}

/*
 * With page-table isolation the processor must find the table while ring 3's are loaded, where the direct map is not. It
 * has an address of its own in every address space, below a top-level entry that both top tables have.
 */
static noinline int map_ldt_struct(struct mm_struct *mm)
{
	pgd_t *pgd = &mm->pgd[table_index(LDT_BASE_ADDR, 4)];
	pte_t *pte;

	if (!boot_cpu_has(X86_FEATURE_PTI))
		return 0;
	pte = alloc_pte(mm->pgd, LDT_BASE_ADDR);
	if (!pte)
		return -ENOMEM;
	*pte = __pa(mm->ldt) | PAGE_KERNEL;
	*kernel_to_user_pgdp(pgd) = *pgd;
	return 0;
}

/* An empty table for mm: 0, or -ENOMEM. */
static int alloc_ldt(struct mm_struct *mm)
{
	mm->ldt = get_zeroed_page();
	if (mm->ldt && !map_ldt_struct(mm))
		return 0;
	destroy_context_ldt(mm);
	return -ENOMEM;
}

/* Tell this processor of mm's table: interrupts off, or where nobody else is switched to. */
void load_mm_ldt(const struct mm_struct *mm)
{
	unsigned long base = boot_cpu_has(X86_FEATURE_PTI) ? LDT_BASE_ADDR : (unsigned long)mm->ldt;
	unsigned long limit = PAGE_SIZE - 1;
	struct tss_desc *desc = (struct tss_desc *)this_gdt_entry(GDT_LDT_SELECTOR);
	u16 selector = mm->ldt ? GDT_LDT_SELECTOR : 0;

	*desc = (struct tss_desc) {
		.low = {
			.limit0 = limit, .base0 = base, .base1 = base >> 16, .base2 = base >> 24,
			.type = DESC_LDT, .dpl = DPL_KERNEL, .p = 1,
		},
		.base3 = base >> 32,
	};
	asm volatile("lldt %w0" : : "r"(selector));
}

/* fork: the child gets a copy. */
int ldt_dup_context(struct mm_struct *mm, const struct mm_struct *oldmm)
{
	if (!oldmm->ldt)
		return 0;
	if (alloc_ldt(mm))
		return -ENOMEM;
	memcpy(mm->ldt, oldmm->ldt, PAGE_SIZE);
	return 0;
}

/* The table goes with the last user of its address space; nobody has it loaded any more. */
void destroy_context_ldt(struct mm_struct *mm)
{
	if (mm->ldt)
		free_page(mm->ldt);
	mm->ldt = NULL;
	if (boot_cpu_has(X86_FEATURE_PTI))
		free_pgd_range(mm->pgd, LDT_BASE_ADDR);
}

static long read_ldt(void __user *ptr, unsigned long bytecount)
{
	struct mm_struct *mm = current->mm;

	if (!mm->ldt)
		return 0;
	bytecount = min(bytecount, PAGE_SIZE);
	return copy_to_user(ptr, mm->ldt, bytecount) ? -EFAULT : (long)bytecount;
}

static int check_entry(const struct user_desc *info, bool oldmode)
{
	if (info->entry_number >= LDT_ENTRIES)
		return -EINVAL;
	if (info->contents == 3 && (oldmode || !info->seg_not_present))
		return -EINVAL;		/* a conforming code segment */
	if (!info->seg_32bit && info->contents == MODIFY_LDT_CONTENTS_CODE && info->lm)
		return -EINVAL;
	return 0;
}

static long write_ldt(const void __user *ptr, unsigned long bytecount, bool oldmode)
{
	struct mm_struct *mm = current->mm;
	struct desc_struct desc = { 0 };
	struct user_desc info;
	unsigned long flags;
	int err;

	if (bytecount != sizeof(info))
		return -EINVAL;
	if (copy_from_user(&info, ptr, sizeof(info)))
		return -EFAULT;
	err = check_entry(&info, oldmode);
	if (err)
		return err;
	if (!mm->ldt && alloc_ldt(mm))
		return -ENOMEM;
	if (!(oldmode && !info.base_addr && !info.limit) && !user_desc_is_empty(&info))
		fill_ldt(&desc, &info);
	flags = local_irq_save();
	mm->ldt[info.entry_number] = desc;
	load_mm_ldt(mm);
	local_irq_restore(flags);
	flush_tlb_mm(mm);		/* other processors that run its threads learn of the table so */
	return 0;
}

noinline long sys_modify_ldt(int func, void __user *ptr, unsigned long bytecount)
{
	switch (func) {
	case 0:
		return read_ldt(ptr, bytecount);
	case 1:
		return write_ldt(ptr, bytecount, true);
	case 0x11:
		return write_ldt(ptr, bytecount, false);
	default:
		return -ENOSYS;
	}
}
