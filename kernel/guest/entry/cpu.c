/* The processor's tables: GDT, task-state segment, interrupt stacks, and the MSRs of SYSCALL. */
#include <asm/desc.h>
#include <asm/processor.h>
#include <asm/traps.h>
#include <linux/sched.h>

/* Flat segments; the accessed bit is set beforehand, so the processor never writes here for them. */
#define GDT_SEGMENT(segment_type, segment_dpl, is_code64, is_code32)			\
	{ .limit0 = 0xffff, .limit1 = 0xf, .type = segment_type, .s = 1,		\
	  .dpl = segment_dpl, .p = 1, .l = is_code64, .d = is_code32, .g = 1 }

#define TYPE_CODE	0xb	/* execute, read, accessed */
#define TYPE_DATA	0x3	/* read, write, accessed */

struct gdt_page gdt_page = {
	.gdt = {
		[GDT_ENTRY(__KERNEL32_CS)] = GDT_SEGMENT(TYPE_CODE, DPL_KERNEL, 0, 1),
		[GDT_ENTRY(__KERNEL_CS)]   = GDT_SEGMENT(TYPE_CODE, DPL_KERNEL, 1, 0),
		[GDT_ENTRY(__KERNEL_DS)]   = GDT_SEGMENT(TYPE_DATA, DPL_KERNEL, 0, 1),
		[GDT_ENTRY(__USER32_CS)]   = GDT_SEGMENT(TYPE_CODE, DPL_USER, 0, 1),
		[GDT_ENTRY(__USER_DS)]     = GDT_SEGMENT(TYPE_DATA, DPL_USER, 0, 1),
		[GDT_ENTRY(__USER_CS)]     = GDT_SEGMENT(TYPE_CODE, DPL_USER, 1, 0),
	},
};

#define NR_IST IST_MCE

static u8 exception_stacks[NR_IST][EXCEPTION_STKSZ] __page_aligned_bss;

struct tss_struct cpu_tss_rw = {
	/* No permission bitmap: its base lies beyond the segment's limit. */
	.x86_tss.io_bitmap_base = sizeof(struct x86_hw_tss),
};

/* What entry code reaches through GS. */
__percpu struct task_struct *current_task = &init_task;
__percpu unsigned long cpu_current_top_of_stack = (unsigned long)init_stack + THREAD_SIZE;
__percpu unsigned long cpu_user_rsp;

static void set_tss_desc(struct tss_desc *desc, const struct x86_hw_tss *tss)
{
	unsigned long base = (unsigned long)tss;
	unsigned long limit = sizeof(*tss) - 1;

	*desc = (struct tss_desc) {
		.low = {
			.limit0 = limit, .limit1 = limit >> 16,
			.base0 = base, .base1 = base >> 16, .base2 = base >> 24,
			.type = DESC_TSS, .dpl = DPL_KERNEL, .p = 1,
		},
		.base3 = base >> 32,
	};
}

static void tss_setup(void)
{
	struct x86_hw_tss *tss = &cpu_tss_rw.x86_tss;
	int i;

	for (i = 0; i < NR_IST; i++)
		tss->ist[i] = (unsigned long)exception_stacks[i] + EXCEPTION_STKSZ;
	tss->sp0 = init_task.thread.sp0;
	set_tss_desc((struct tss_desc *)&gdt_page.gdt[GDT_ENTRY(GDT_TSS_SELECTOR)], tss);
	asm volatile("ltr %w0" : : "r"(GDT_TSS_SELECTOR));
}

/* SYSCALL loads CS and SS from STAR[47:32], SYSRET to 64 bits from STAR[63:48] + 16 and + 8. */
static void syscall_init(void)
{
	wrmsr(MSR_STAR, (u64)__USER32_CS << 48 | (u64)__KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (unsigned long)entry_SYSCALL_64);
	wrmsr(MSR_CSTAR, (unsigned long)ignore_sysret);
	wrmsr(MSR_SYSCALL_MASK,
	      X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF |
	      X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_IOPL |
	      X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID);
}

#define CPUID_7_EBX_SMEP (1U << 7)

/* Ring 0 never executes a user's page, where the processor can enforce it. */
static void setup_smep(void)
{
	u32 eax, ebx, ecx, edx;

	cpuid(0, &eax, &ebx, &ecx, &edx);
	if (eax < 7)
		return;
	cpuid(7, &eax, &ebx, &ecx, &edx);
	if (ebx & CPUID_7_EBX_SMEP)
		write_cr4(read_cr4() | X86_CR4_SMEP);
}

/* Called once by start_kernel, before the first interrupt. */
void cpu_init(void)
{
	tss_setup();
	syscall_init();
	setup_smep();
	fpu_init();
}
