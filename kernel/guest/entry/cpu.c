/* The processor's tables: GDT, task-state segment, interrupt stacks, and the MSRs of SYSCALL. */
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/processor.h>
#include <asm/traps.h>
#include <linux/sched.h>
#include <linux/string.h>

/* Flat segments; the accessed bit is set beforehand, so the processor never writes here for them. */
#define GDT_SEGMENT(segment_type, segment_dpl, is_code64, is_code32)			\
	{ .limit0 = 0xffff, .limit1 = 0xf, .type = segment_type, .s = 1,		\
	  .dpl = segment_dpl, .p = 1, .l = is_code64, .d = is_code32, .g = 1 }

/* One byte, at address 0: nothing can be read there, but LSL tells the limit: the processor's number. */
#define GDT_CPUNODE(cpu, node)								\
	{ .limit0 = (cpu) | (node) << 12, .type = TYPE_DATA, .s = 1, .dpl = DPL_USER, .p = 1, .d = 1 }

#define TYPE_CODE	0xb	/* execute, read, accessed */
#define TYPE_DATA	0x3	/* read, write, accessed */

__percpu_page_aligned struct gdt_page gdt_page = {
	.gdt = {
		[GDT_ENTRY(__KERNEL32_CS)] = GDT_SEGMENT(TYPE_CODE, DPL_KERNEL, 0, 1),
		[GDT_ENTRY(__KERNEL_CS)]   = GDT_SEGMENT(TYPE_CODE, DPL_KERNEL, 1, 0),
		[GDT_ENTRY(__KERNEL_DS)]   = GDT_SEGMENT(TYPE_DATA, DPL_KERNEL, 0, 1),
		[GDT_ENTRY(__USER32_CS)]   = GDT_SEGMENT(TYPE_CODE, DPL_USER, 0, 1),
		[GDT_ENTRY(__USER_DS)]     = GDT_SEGMENT(TYPE_DATA, DPL_USER, 0, 1),
		[GDT_ENTRY(__USER_CS)]     = GDT_SEGMENT(TYPE_CODE, DPL_USER, 1, 0),
		[GDT_ENTRY(CPUNODE_SEG)]   = GDT_CPUNODE(0, 0),
		[GDT_ENTRY(RING1_CS)]      = GDT_SEGMENT(TYPE_CODE, DPL_RING1, 1, 0),
	},
};

#define NR_IST IST_MCE

static u8 exception_stacks[NR_CPUS][NR_IST][EXCEPTION_STKSZ] __cpu_entry_bss;

/* Where the processor pushes from ring 3 with page-table isolation, and from which it returns there. */
static u8 cpu_entry_stack[NR_CPUS][PAGE_SIZE] __cpu_entry_bss;

__percpu_page_aligned struct tss_struct cpu_tss_rw = {
	.x86_tss.io_bitmap_base = IO_BITMAP_INVALID,
	.io_bitmap_end = 0xff,
};

/* What entry code reaches through GS. */
__percpu struct task_struct *current_task = &init_task;
__percpu unsigned long cpu_current_top_of_stack = (unsigned long)init_stack + THREAD_SIZE;
__percpu unsigned long cpu_user_rsp;
__percpu unsigned long cpu_entry_stack_top = (unsigned long)cpu_entry_stack[0] + PAGE_SIZE;

static void set_tss_desc(struct tss_desc *desc, const struct x86_hw_tss *tss)
{
	unsigned long base = (unsigned long)tss;
	unsigned long limit = TSS_LIMIT;

	*desc = (struct tss_desc) {
		.low = {
			.limit0 = limit, .limit1 = limit >> 16,
			.base0 = base, .base1 = base >> 16, .base2 = base >> 24,
			.type = DESC_TSS, .dpl = DPL_KERNEL, .p = 1,
		},
		.base3 = base >> 32,
	};
}

/* The stacks that a gate from ring 3 takes: the task's own; with isolation, those that ring 3's tables have. */
void update_task_stack(struct task_struct *task)
{
	bool isolated = boot_cpu_has(X86_FEATURE_PTI);
	struct x86_hw_tss *tss = &this_cpu_ptr(&cpu_tss_rw)->x86_tss;

	this_cpu(cpu_current_top_of_stack) = task->thread.sp0;
	tss->sp0 = isolated ? this_cpu(cpu_entry_stack_top) : task->thread.sp0;
	tss->sp1 = (unsigned long)(isolated ? cpu_entry_stack[smp_processor_id()] : task->stack) + RING1_STACK;
}

/* All tasks have the isolated stack of ring 1 in turn, and may be interrupted there. */
void switch_ring1_stack(struct thread_struct *prev, const struct thread_struct *next)
{
	void *top = cpu_entry_stack[smp_processor_id()] + RING1_STACK - sizeof(prev->ring1_stack);

	if (!boot_cpu_has(X86_FEATURE_PTI))
		return;
	memcpy(prev->ring1_stack, top, sizeof(prev->ring1_stack));
	memcpy(top, next->ring1_stack, sizeof(next->ring1_stack));
}

static void tss_setup(void)
{
	struct x86_hw_tss *tss = &this_cpu_ptr(&cpu_tss_rw)->x86_tss;
	int i, cpu = smp_processor_id();

	this_cpu(cpu_entry_stack_top) = (unsigned long)cpu_entry_stack[cpu] + PAGE_SIZE;
	for (i = 0; i < NR_IST; i++)
		tss->ist[i] = (unsigned long)exception_stacks[cpu][i] + EXCEPTION_STKSZ;
	update_task_stack(current);
	set_tss_desc((struct tss_desc *)this_gdt_entry(GDT_TSS_SELECTOR), tss);
	asm volatile("ltr %w0" : : "r"(GDT_TSS_SELECTOR));
}

/* A gate that a far CALL goes through (SDM 3A 5.8.3.1). Linux has had none since it stopped running SCO's programs. */
static void set_call_gate(u16 selector, unsigned int dpl)
{
	unsigned long addr = (unsigned long)entry_CALL_gate;

	*(struct gate_struct *)this_gdt_entry(selector) = (struct gate_struct) {
		.offset_low = addr, .offset_middle = addr >> 16, .offset_high = addr >> 32,
		.segment = RING1_CS, .type = GATE_CALL, .dpl = dpl, .p = 1,
	};
}

/* SYSCALL loads CS and SS from STAR[47:32], SYSRET to 64 bits from STAR[63:48] + 16 and + 8. */
static void syscall_init(void)
{
	wrmsr(MSR_STAR, (u64)__USER32_CS << 48 | (u64)__KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (unsigned long)entry_SYSCALL_64);
	wrmsr(MSR_CSTAR, (unsigned long)ignore_sysret);
	/* SYSENTER loads CS and, 8 more, SS from the first; the entry takes the task's stack at once. */
	wrmsr(MSR_IA32_SYSENTER_CS, __KERNEL_CS);
	wrmsr(MSR_IA32_SYSENTER_ESP, 0);
	wrmsr(MSR_IA32_SYSENTER_EIP, (unsigned long)entry_SYSENTER_compat);
	wrmsr(MSR_SYSCALL_MASK,
	      X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF |
	      X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_IOPL |
	      X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID);
}

/* The table that the processor came with is the first one's; and LSL tells whose this one is. */
static void load_direct_gdt(void)
{
	struct desc_ptr gdt_descr = { GDT_ENTRIES * sizeof(struct desc_struct) - 1, (unsigned long)this_cpu_ptr(&gdt_page) };

	this_gdt_entry(CPUNODE_SEG)->limit0 = smp_processor_id();
	asm volatile("lgdt %0" : : "m"(gdt_descr));
}

/* Called once on each processor, before its first interrupt. */
void __init cpu_init(void)
{
	load_direct_gdt();
	tss_setup();
	set_call_gate(CALL_GATE_SELECTOR, DPL_USER);
	set_call_gate(CALL_GATE_DPL0_SELECTOR, DPL_KERNEL);
	syscall_init();
	identify_cpu();
	fpu_init();
}
