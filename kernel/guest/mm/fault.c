/* The page fault: a page to be made, a task to be killed, or the end of the kernel (SDM 3A 4.7). */
#include <asm/cpufeature.h>
#include <asm/irqflags.h>
#include <asm/traps.h>
#include <asm/uaccess.h>
#include <asm/vdso.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/swap.h>

void exc_page_fault(struct pt_regs *regs, unsigned long error_code);

/* " in init[401000+1000]": the area that an instruction pointer lies in, if any. */
void print_vma_addr(const char *prefix, unsigned long ip)
{
	struct vm_area_struct *vma = current->mm ? find_vma(current->mm, ip) : NULL;

	if (vma && vma->vm_start <= ip && vma->vm_file)
		pr_cont("%s%s[%lx+%lx]", prefix, vma->vm_file->f_path.dentry->d_name.name, vma->vm_start,
			vma->vm_end - vma->vm_start);
}

static void show_signal_msg(struct pt_regs *regs, unsigned long error_code, unsigned long address)
{
	printk("%s%s[%d]: segfault at %lx ip %016lx sp %016lx error %lx",
	       is_global_init(current) ? KERN_EMERG : KERN_INFO, current->comm, current->pid, address,
	       regs->ip, regs->sp, error_code);
	print_vma_addr(" in ", regs->ip);
	pr_cont("\n");
}

/* An instruction was fetched where none may be: NX, or a user's page in ring 0. */
static void show_execution_fault(unsigned long address)
{
	pte_t *pte = lookup_pte(__va(read_cr3() & PTE_PFN_MASK), address);

	if (!pte || !(*pte & _PAGE_PRESENT))
		return;
	if (*pte & _PAGE_NX)
		printk(KERN_CRIT "kernel tried to execute NX-protected page - exploit attempt? (uid: %u)\n",
		       current_cred()->uid);
	else if (*pte & _PAGE_USER)
		printk(KERN_CRIT "unable to execute userspace code (SMEP?) (uid: %u)\n", current_cred()->uid);
}

/* The entries of the walk, down to the one that maps a page or is absent. */
static void dump_pagetable(unsigned long address)
{
	static const char *const names[] = { "PTE", "PMD", "PUD", "P4D", "PGD" };
	u64 *table = __va(read_cr3() & PTE_PFN_MASK);
	int level;

	printk(KERN_INFO);
	for (level = PGTABLE_LEVELS; level; level--) {
		u64 entry = table[table_index(address, level)];

		pr_cont("%s %lx ", names[level == PGTABLE_LEVELS ? 4 : level - 1], entry);
		if (!(entry & _PAGE_PRESENT) || (level < PGTABLE_LEVELS && (entry & _PAGE_PSE)))
			break;
		table = pte_page_address(entry);
	}
	pr_cont("\n");
}

static void __noreturn page_fault_oops(struct pt_regs *regs, unsigned long error_code, unsigned long address)
{
	console_verbose();
	if (error_code & X86_PF_INSTR)
		show_execution_fault(address);
	if (address < PAGE_SIZE)
		pr_alert("BUG: kernel NULL pointer dereference, address: %016lx\n", address);
	else
		pr_alert("BUG: unable to handle page fault for address: %016lx\n", address);
	pr_alert("#PF: %s %s in %s mode\n", error_code & X86_PF_USER ? "user" : "supervisor",
		 error_code & X86_PF_INSTR ? "instruction fetch" :
		 error_code & X86_PF_WRITE ? "write access" : "read access",
		 user_mode(regs) ? "user" : "kernel");
	pr_alert("#PF: error_code(0x%04lx) - %s\n", error_code,
		 error_code & X86_PF_RSVD ? "reserved bit violation" :
		 error_code & X86_PF_PROT ? "permissions violation" : "not-present page");
	dump_pagetable(address);
	die("Oops", regs, error_code);
}

/* The access is an error. The kernel may touch a user's page by uaccess alone, which has fixups. */
static noinline void __bad_area_nosemaphore(struct pt_regs *regs, unsigned long error_code, unsigned long address,
					    int si_code)
{
	if (!user_mode(regs)) {
		if (fixup_exception(regs))
			return;
		page_fault_oops(regs, error_code, address);
	}
	current->thread.trap_nr = X86_TRAP_PF;
	current->thread.error_code = error_code | (address >= TASK_SIZE ? X86_PF_PROT : 0);
	current->thread.cr2 = address;
	if (unhandled_signal(current, SIGSEGV))
		show_signal_msg(regs, current->thread.error_code, address);
	force_sig_fault(SIGSEGV, si_code, (void __user *)address);
}

/* Nothing is there. */
static noinline void bad_area(struct pt_regs *regs, unsigned long error_code, unsigned long address)
{
	__bad_area_nosemaphore(regs, error_code, address, SEGV_MAPERR);
}

/* Something is there, but not for this kind of access. */
static noinline void bad_area_access_error(struct pt_regs *regs, unsigned long error_code, unsigned long address)
{
	__bad_area_nosemaphore(regs, error_code, address, SEGV_ACCERR);
}

/*
 * The area allows the access, but there is no page for it. If memory is out, a task ends; if it is another one, the
 * access is tried again.
 */
static noinline void mm_fault_error(struct pt_regs *regs, unsigned long error_code, unsigned long address,
				    vm_fault_t fault)
{
	if (fault & VM_FAULT_OOM) {
		out_of_memory(GFP_USER);
		if (user_mode(regs) || !fatal_signal_pending(current))
			return;
	}
	if (user_mode(regs))
		force_sig_fault(SIGBUS, BUS_ADRERR, (void __user *)address);
	else if (!fixup_exception(regs))
		page_fault_oops(regs, error_code, address);
}

/* Is it an access that the area's rights forbid? (Linux: arch/x86/mm/fault.c) */
static noinline bool access_error(unsigned long error_code, const struct vm_area_struct *vma)
{
	if (error_code & X86_PF_RSVD)
		return true;
	if (error_code & X86_PF_WRITE)
		return !(vma->vm_flags & VM_WRITE);
	if (error_code & X86_PF_INSTR)
		return !(vma->vm_flags & VM_EXEC);
	return !(vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC));
}

/* The stack grows down to meet an access, as far as its limit and the next area allow. */
static noinline bool expand_stack(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long address)
{
	struct vm_area_struct *below;

	if (!(vma->vm_flags & VM_GROWSDOWN) || vma->vm_end - address > rlimit(RLIMIT_STACK))
		return false;
	address &= PAGE_MASK;
	below = find_vma(mm, address - PAGE_SIZE);
	if (below != vma)
		return false;
	vma->vm_start = address;
	return true;
}

static unsigned int fault_flags(unsigned long error_code)
{
	return (error_code & X86_PF_WRITE ? FAULT_FLAG_WRITE : 0) | (error_code & X86_PF_USER ? FAULT_FLAG_USER : 0) |
	       (error_code & X86_PF_INSTR ? FAULT_FLAG_INSTRUCTION : 0);
}

/* An address of the user's half, touched from ring 3 or by uaccess. */
static noinline void do_user_addr_fault(struct pt_regs *regs, unsigned long error_code, unsigned long address)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma = mm ? find_vma(mm, address) : NULL;
	vm_fault_t fault;

	if (!vma || (vma->vm_start > address && !expand_stack(mm, vma, address))) {
		bad_area(regs, error_code, address);
		return;
	}
	if (access_error(error_code, vma)) {
		bad_area_access_error(regs, error_code, address);
		return;
	}
	fault = handle_mm_fault(vma, address, fault_flags(error_code));
	if (fault & VM_FAULT_MAJOR)
		current->maj_flt++;
	else
		current->min_flt++;
	if (fault & VM_FAULT_ERROR)
		mm_fault_error(regs, error_code, address, fault);
}

/* Ring 0 touched a user's page, or what could be one, without stac: it was not meant. */
static bool smap_violation(const struct pt_regs *regs)
{
	return boot_cpu_has(X86_FEATURE_SMAP) && !user_mode(regs) && !(regs->flags & X86_EFLAGS_AC);
}

/* Called by asm_exc_page_fault, interrupts off so that CR2 is still ours. */
noinline void exc_page_fault(struct pt_regs *regs, unsigned long error_code)
{
	unsigned long address = read_cr2();

	if (regs->flags & X86_EFLAGS_IF)
		local_irq_enable();
	if (address >= VSYSCALL_ADDR && user_mode(regs) && emulate_vsyscall(error_code, regs, address))
		;	/* it looked like a call, and was answered like one */
	else if (address < TASK_SIZE && smap_violation(regs))
		page_fault_oops(regs, error_code, address);
	else if (address < TASK_SIZE && (user_mode(regs) || !(error_code & X86_PF_INSTR)))
		do_user_addr_fault(regs, error_code, address);
	else
		bad_area(regs, error_code, address);
	local_irq_disable();
}
