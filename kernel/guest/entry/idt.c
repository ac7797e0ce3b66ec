/* The interrupt-descriptor table: Linux's gates, one row each. */
#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/traps.h>

struct gate_struct idt_table[NR_VECTORS] __cpu_entry_bss;

struct idt_data {
	unsigned int vector;
	unsigned int ist;		/* 0: the current stack, or the TSS's from ring 3 */
	unsigned int dpl;		/* who may reach it by an INT instruction */
	unsigned int type, segment;	/* 0: an interrupt gate, __KERNEL_CS */
	void (*addr)(void);
};

#define INTG(_vector, _addr)		{ .vector = _vector, .dpl = DPL_KERNEL, .addr = _addr }
#define SYSG(_vector, _addr)		{ .vector = _vector, .dpl = DPL_USER, .addr = _addr }
/*
 * For rings.c to show what kind of gate does what. A trap gate leaves interrupts on, so none may lead to ring 0
 * here: an interrupt before the handler's swapgs would take the user's GS for the kernel's.
 */
#define TRAPG(_vector, _addr)		{ .vector = _vector, .dpl = DPL_USER, .addr = _addr,	\
					  .type = GATE_TRAP, .segment = RING1_CS }
#define ISTG(_vector, _addr, _ist)	{ .vector = _vector, .dpl = DPL_KERNEL, .addr = _addr, .ist = _ist }

static const struct idt_data def_idts[] = {
	INTG(X86_TRAP_DE,		asm_exc_divide_error),
	ISTG(X86_TRAP_DB,		asm_exc_debug, IST_DB),
	ISTG(X86_TRAP_NMI,		asm_exc_nmi, IST_NMI),
	SYSG(X86_TRAP_BP,		asm_exc_int3),
	SYSG(X86_TRAP_OF,		asm_exc_overflow),
	INTG(X86_TRAP_BR,		asm_exc_bounds),
	INTG(X86_TRAP_UD,		asm_exc_invalid_op),
	INTG(X86_TRAP_NM,		asm_exc_device_not_available),
	ISTG(X86_TRAP_DF,		asm_exc_double_fault, IST_DF),
	INTG(X86_TRAP_OLD_MF,		asm_exc_coproc_segment_overrun),
	INTG(X86_TRAP_TS,		asm_exc_invalid_tss),
	INTG(X86_TRAP_NP,		asm_exc_segment_not_present),
	INTG(X86_TRAP_SS,		asm_exc_stack_segment),
	INTG(X86_TRAP_GP,		asm_exc_general_protection),
	INTG(X86_TRAP_PF,		asm_exc_page_fault),
	INTG(X86_TRAP_MF,		asm_exc_coprocessor_error),
	INTG(X86_TRAP_AC,		asm_exc_alignment_check),
	ISTG(X86_TRAP_MC,		asm_exc_machine_check, IST_MCE),
	INTG(X86_TRAP_XF,		asm_exc_simd_coprocessor_error),
	INTG(LOCAL_TIMER_VECTOR,	asm_sysvec_apic_timer_interrupt),
	INTG(TICK_VECTOR,		asm_sysvec_tick),
	INTG(INVALIDATE_TLB_VECTOR,	asm_sysvec_invalidate_tlb),
	INTG(REBOOT_VECTOR,		asm_sysvec_reboot),
	INTG(RESCHEDULE_VECTOR,		asm_sysvec_reschedule),
	INTG(SPURIOUS_APIC_VECTOR,	asm_sysvec_spurious),
	SYSG(IA32_SYSCALL_VECTOR,	system_call),
	TRAPG(TOUR_TRAP_VECTOR,		entry_RING1_gate),
	SYSG(TOUR_INTERRUPT_VECTOR,	entry_INTERRUPT_gate),
};

static void set_gate(const struct idt_data *row)
{
	unsigned long addr = (unsigned long)row->addr;

	idt_table[row->vector] = (struct gate_struct) {
		.offset_low = addr, .offset_middle = addr >> 16, .offset_high = addr >> 32,
		.segment = row->segment ? row->segment : __KERNEL_CS, .ist = row->ist,
		.type = row->type ? row->type : GATE_INTERRUPT, .dpl = row->dpl, .p = 1,
	};
}

/* All processors have the one table. */
void load_current_idt(void)
{
	struct desc_ptr idt_descr = { sizeof(idt_table) - 1, (unsigned long)idt_table };

	asm volatile("lidt %0" : : "m"(idt_descr));
}

/* Called once by start_kernel. Vectors from 0x20 on that have no row are interrupts, expected or not. */
void __init trap_init(void)
{
	unsigned int i;

	for (i = FIRST_EXTERNAL_VECTOR; i < NR_VECTORS; i++) {
		char *entry = irq_entries_start + IRQ_ENTRY_SIZE * (i - FIRST_EXTERNAL_VECTOR);
		struct idt_data row = INTG(i, (void (*)(void))entry);

		set_gate(&row);
	}
	for (i = 0; i < ARRAY_SIZE(def_idts); i++)
		set_gate(&def_idts[i]);
	load_current_idt();
}
