/*
 * The pages that the kernel lends every program: the vDSO's code, and below it the data that the code reads. They
 * are the kernel's own frames, mapped for ring 3 to read (Linux: arch/x86/entry/vdso/vma.c).
 */
#include <asm/processor.h>
#include <asm/vdso.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/time.h>
#include <vdso/datapage.h>

extern char vdso_image_64[], vdso_image_64_end[], vdso_image_32[], vdso_image_32_end[];
extern char vdso32_landing_pad[];

/* One page for all; nothing else may lie in it, for every program reads it. */
static union {
	struct vdso_data data;
	u8 page[PAGE_SIZE];
} vvar __page_aligned_bss;

/* vdso=0: programs get no such pages, and ask the kernel for the time. */
static bool vdso_enabled = true;

static int __init vdso_setup(char *str)
{
	vdso_enabled = strcmp(str, "0");
	return 1;
}
__setup("vdso=", vdso_setup);

/* The timer interrupt tells the programs what time it is, interrupts off. */
noinline void update_vsyscall(void)
{
	struct vdso_data *data = &vvar.data;

	WRITE_ONCE(data->seq, data->seq + 1);
	barrier();
	data->cycles_per_second = tsc_hz;
	data->clock_mode = tsc_hz ? VDSO_CLOCKMODE_TSC : VDSO_CLOCKMODE_NONE;
	data->cycle_last = rdtsc();
	data->monotonic_ns = tsc_hz ? tsc_to_ns(data->cycle_last) : local_clock();
	data->realtime_ns = ktime_mono_to_real(data->monotonic_ns);
	barrier();
	WRITE_ONCE(data->seq, data->seq + 1);
}

/* An area at start of the kernel's own pages from kernel_page on. */
static int map_kernel_pages(struct mm_struct *mm, unsigned long start, const char *kernel_page, size_t size,
			    unsigned long flags)
{
	struct vm_area_struct *vma = insert_vm_area(mm, start, start + size, flags, NULL);
	unsigned long va;

	if (!vma)
		return -ENOMEM;
	for (va = start; va < start + size; va += PAGE_SIZE) {
		pte_t *pte = alloc_pte(mm->pgd, va);

		if (!pte)
			return -ENOMEM;
		*pte = __pa(kernel_page + (va - start)) | vm_get_page_prot(flags) | _PAGE_SPECIAL;
	}
	return 0;
}

static noinline int map_vdso(struct mm_struct *mm)
{
	size_t size = vdso_image_64_end - vdso_image_64;
	unsigned long start = get_unmapped_area(mm, PAGE_SIZE + size);
	int err = start ? map_kernel_pages(mm, start, (const char *)&vvar, PAGE_SIZE, VM_READ) : -ENOMEM;

	if (!err)
		err = map_kernel_pages(mm, start + PAGE_SIZE, vdso_image_64, size, VM_READ | VM_EXEC);
	mm->vdso = start + PAGE_SIZE;
	return err;
}

static noinline int map_vdso32(struct mm_struct *mm)
{
	size_t size = vdso_image_32_end - vdso_image_32;

	mm->vdso = get_unmapped_area(mm, size);
	return mm->vdso ? map_kernel_pages(mm, mm->vdso, vdso_image_32, size, VM_READ | VM_EXEC) : -ENOMEM;
}

/* Called by load_elf_binary. */
int arch_setup_additional_pages(struct mm_struct *mm, bool compat)
{
	mm->vdso = 0;
	if (compat)
		return map_vdso32(mm);
	return vdso_enabled ? map_vdso(mm) : 0;
}

/* Where SYSENTER returns to in the current 32-bit program. */
unsigned long vdso32_return_address(void)
{
	return current->mm->vdso + (vdso32_landing_pad - vdso_image_32);
}
