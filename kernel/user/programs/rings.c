/*
 * A tour of the processor's checks, from ring 3: selectors loaded, gates gone through, privileged instructions tried,
 * each with what the processor said and which check said it. The numbers are CPL, who runs; RPL, the lowest bits of
 * a selector, who asks; DPL, whom a descriptor is for (SDM 3A 5.5 to 5.9). Exit status: how many went otherwise.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DE = 0, UD = 6, TS = 10, NP = 11, SS = 12, GP = 13, PF = 14, NONE = -1 };

static const char *const exception_names[] = {
	[DE] = "#DE", [UD] = "#UD", [TS] = "#TS", [NP] = "#NP", [SS] = "#SS", [GP] = "#GP", [PF] = "#PF",
};

/* What the last experiment ended in, and where to go on. */
static volatile long trapno, error_code;
static void *volatile resume_at;
static volatile unsigned long resume_sp;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	trapno = uc->uc_mcontext.trapno;
	error_code = uc->uc_mcontext.err;
	uc->uc_mcontext.rip = (unsigned long)resume_at;
	uc->uc_mcontext.rsp = resume_sp;
}

/* Run instructions that may fault; afterwards it goes on behind them, whatever became of them. */
#define TRY(instructions, ...)							\
	do {									\
		trapno = NONE;							\
		error_code = 0;							\
		asm volatile("leaq 77f(%%rip), %%rax\n movq %%rax, %0\n"	\
			     "movq %%rsp, %1\n"					\
			     instructions "\n"					\
			     "77:"						\
			     : "=m"(resume_at), "=m"(resume_sp)			\
			     : __VA_ARGS__					\
			     : "rax", "rcx", "rdx", "rbx", "rsi", "rdi", "memory", "cc"); \
	} while (0)

static int wrong;

static const char *verdict(void)
{
	return trapno == NONE ? "done" : exception_names[trapno];
}

/* One line: what was tried, what came of it, whose check it was. */
static void report(const char *what, long expected, long expected_error, const char *check)
{
	bool as_expected = trapno == expected && (expected == NONE || error_code == expected_error);

	if (trapno == NONE)
		printf("%s %-34s done          %s\n", as_expected ? "ok  " : "FAIL", what, check);
	else
		printf("%s %-34s %s(%#06lx)   %s\n", as_expected ? "ok  " : "FAIL", what, verdict(), error_code, check);
	wrong += !as_expected;
}

static void heading(const char *text)
{
	printf("\n%s\n", text);
}

/* Data segments of the GDT and of an LDT that this program makes itself. */
static void data_segments(void)
{
	heading("Data: max(CPL, RPL) <= DPL, and it must be data or readable code");
	TRY("movw %2, %%ax\n movw %%ax, %%es", "i"(0x2b));
	report("mov es, 0x2b (DPL 3, RPL 3)", NONE, 0, "CPL 3, RPL 3 <= DPL 3");
	TRY("movw %2, %%ax\n movw %%ax, %%es", "i"(0x28));
	report("mov es, 0x28 (DPL 3, RPL 0)", NONE, 0, "RPL 0 asks for less than CPL may: 3 <= DPL 3");
	TRY("movw %2, %%ax\n movw %%ax, %%es", "i"(0x18));
	report("mov es, 0x18 (kernel data, RPL 0)", GP, 0x18, "DPL: CPL 3 > DPL 0");
	TRY("movw %2, %%ax\n movw %%ax, %%es", "i"(0x1b));
	report("mov es, 0x1b (kernel data, RPL 3)", GP, 0x18, "DPL: CPL 3, RPL 3 > DPL 0");
	TRY("movw %2, %%ax\n movw %%ax, %%es", "i"(0x33));
	report("mov es, 0x33 (user code)", NONE, 0, "readable code passes as data");
	TRY("movw %2, %%ax\n movw %%ax, %%es", "i"(0x40));
	report("mov es, 0x40 (the TSS)", GP, 0x40, "type: a system descriptor");
	TRY("movw %2, %%ax\n movw %%ax, %%es", "i"(0xffff & ~4));
	report("mov es, 0xfffb (beyond the GDT)", GP, 0xfff8, "limit of the table");
	TRY("xorl %%eax, %%eax\n movw %%ax, %%es", "i"(0));
	report("mov es, 0 (null)", NONE, 0, "null may be loaded, not used");
}

static void stack_segments(void)
{
	heading("Stack: RPL = CPL = DPL exactly, and writable");
	TRY("movw %2, %%ax\n movw %%ax, %%ss", "i"(0x2b));
	report("mov ss, 0x2b (DPL 3, RPL 3)", NONE, 0, "3 = 3 = 3");
	TRY("movw %2, %%ax\n movw %%ax, %%ss", "i"(0x28));
	report("mov ss, 0x28 (DPL 3, RPL 0)", GP, 0x28, "RPL: 0 is not CPL 3");
	TRY("movw %2, %%ax\n movw %%ax, %%ss", "i"(0x18));
	report("mov ss, 0x18 (kernel data, RPL 0)", GP, 0x18, "RPL: 0 is not CPL 3");
	TRY("movw %2, %%ax\n movw %%ax, %%ss", "i"(0x1b));
	report("mov ss, 0x1b (kernel data, RPL 3)", GP, 0x18, "DPL: 0 is not CPL 3");
	TRY("movw %2, %%ax\n movw %%ax, %%ss", "i"(0x33));
	report("mov ss, 0x33 (user code)", GP, 0x30, "type: code is not writable");
	TRY("xorl %%eax, %%eax\n movw %%ax, %%ss", "i"(0));
	report("mov ss, 0 (null)", GP, 0, "null: not in ring 3");
}

/* LDT entry n of the given kind, base 0; its selector with RPL 3. */
static unsigned int ldt_entry(unsigned int n, unsigned int contents, bool read_only, bool present)
{
	struct user_desc desc = {
		.entry_number = n, .limit = 0xfffff, .seg_32bit = 1, .contents = contents,
		.read_exec_only = read_only, .limit_in_pages = 1, .seg_not_present = !present,
	};

	modify_ldt(0x11, &desc, sizeof(desc));
	return n << 3 | 7;
}

static void local_segments(void)
{
	unsigned int data = ldt_entry(0, 0, false, true), read_only = ldt_entry(1, 0, true, true);
	unsigned int absent = ldt_entry(2, 0, false, false), code = ldt_entry(3, 2, true, true);

	heading("The LDT: whatever modify_ldt is told, DPL is 3");
	TRY("movl %2, %%eax\n movw %%ax, %%es", "r"(data));
	report("mov es, 0x07 (LDT data)", NONE, 0, "TI = 1: from the LDT");
	TRY("movl %2, %%eax\n movw %%ax, %%ss\n movl $0x2b, %%eax\n movw %%ax, %%ss", "r"(data));
	report("mov ss, 0x07 (LDT data)", NONE, 0, "3 = 3 = 3");
	TRY("movl %2, %%eax\n movw %%ax, %%ss", "r"(data & ~3u));
	report("mov ss, 0x04 (LDT data, RPL 0)", GP, 0x04, "RPL: 0 is not CPL 3");
	TRY("movl %2, %%eax\n movw %%ax, %%ss", "r"(read_only));
	report("mov ss, 0x0f (LDT, read-only)", GP, 0x0c, "type: not writable");
	TRY("movl %2, %%eax\n movw %%ax, %%es", "r"(absent));
	report("mov es, 0x17 (LDT, P = 0)", NP, 0x14, "present");
	TRY("movl %2, %%eax\n movw %%ax, %%es", "r"(code));
	report("mov es, 0x1f (LDT, execute-only)", GP, 0x1c, "type: code that may not be read");
	TRY("movl %2, %%eax\n movw %%ax, %%es", "r"(0x27));
	report("mov es, 0x27 (LDT, empty)", GP, 0x24, "type: no segment");
	TRY("xorl %%eax, %%eax\n movw %%ax, %%es", "i"(0));
}

#define FAR_RETURN_TO(selector) "pushq $" #selector "\n leaq 76f(%%rip), %%rax\n pushq %%rax\n lretq\n 76:"

static void code_segments(void)
{
	heading("Code: DPL = CPL for a far transfer, unless conforming or through a gate");
	TRY(FAR_RETURN_TO(0x33), "i"(0));
	report("lret to 0x33 (user code)", NONE, 0, "RPL 3 = CPL 3");
	TRY(FAR_RETURN_TO(0x10), "i"(0));
	report("lret to 0x10 (kernel code)", GP, 0x10, "RPL: 0 < CPL 3, returns go outwards only");
	TRY(FAR_RETURN_TO(0x13), "i"(0));
	report("lret to 0x13 (kernel code, RPL 3)", GP, 0x10, "DPL: 0 is not RPL 3");
	TRY(FAR_RETURN_TO(0x2b), "i"(0));
	report("lret to 0x2b (data)", GP, 0x28, "type: not code");
}

static volatile unsigned long gate_flags, gate_cs;

/* 16:64 pointers for far calls; the offset is not used. */
static struct {
	unsigned int offset;
	unsigned short selector;
} __attribute__((__packed__)) call_gate = { 0, 0x93 }, call_gate_dpl0 = { 0, 0xa3 };

#define THROUGH(instruction)								\
	TRY(instruction "\n movq %%rax, gate_flags(%%rip)\n movq %%rdx, gate_cs(%%rip)\n",	\
	    "m"(gate_flags), "m"(gate_cs), "m"(call_gate))

static void said_by_gate(unsigned long cs, unsigned long flag)
{
	bool as_expected = (gate_cs & 0xffff) == cs && (gate_flags >> 9 & 1) == flag;

	printf("%s     there: CS = %#lx, IF = %lu\n", as_expected ? "ok  " : "FAIL", gate_cs & 0xffff, gate_flags >> 9 & 1);
	wrong += !as_expected;
}

static void gates(void)
{
	heading("Gates: CPL <= DPL of the gate for INT n and far CALL; DPL of the code <= CPL");
	TRY("movl $39, %%eax\n int $0x80", "i"(0));
	report("int $0x80 (DPL 3)", NONE, 0, "CPL 3 <= DPL 3");
	TRY("int $0x20", "i"(0));
	report("int $0x20 (an IRQ's gate)", GP, 0x20 << 3 | 2, "DPL of the gate: 0; the error code has IDT set");
	TRY("int $0x0e", "i"(0));
	report("int $0x0e (the page fault's)", GP, 0x0e << 3 | 2, "DPL of the gate: 0");
	THROUGH("int $0x81");
	report("int $0x81 (trap gate to ring 1)", NONE, 0, "a trap gate leaves IF as it was");
	said_by_gate(0x81, 1);
	THROUGH("int $0x82");
	report("int $0x82 (interrupt gate, ring 0)", NONE, 0, "an interrupt gate clears IF");
	said_by_gate(0x10, 0);
	THROUGH("lcall *call_gate(%%rip)");
	report("lcall *0x93 (call gate to ring 1)", NONE, 0, "CPL 3 <= DPL 3; the stack is the TSS's RSP1");
	said_by_gate(0x81, 1);
	TRY("lcall *%2", "m"(call_gate_dpl0));
	report("lcall *0xa3 (call gate, DPL 0)", GP, 0xa0, "DPL of the gate: 0");
}

/* %% in an instruction is the compiler's; what is shown has one. */
static const char *shown(const char *text)
{
	static char copy[32];
	char *p = copy;

	for (; *text; text++)
		if (*text != '%' || text[1] != '%')
			*p++ = *text;
	*p = '\0';
	return copy;
}

#define PRIVILEGED(text)			\
	TRY(text, "i"(0));			\
	report(shown(text), GP, 0, "CPL is not 0")

static void privileged_instructions(void)
{
	heading("Privileged instructions: CPL 0 alone");
	PRIVILEGED("hlt");
	PRIVILEGED("clts");
	PRIVILEGED("invd");
	PRIVILEGED("wbinvd");
	PRIVILEGED("invlpg (%%rsp)");
	PRIVILEGED("lgdt (%%rsp)");
	PRIVILEGED("lidt (%%rsp)");
	PRIVILEGED("lldt %%ax");
	PRIVILEGED("ltr %%ax");
	PRIVILEGED("lmsw %%ax");
	PRIVILEGED("movq %%cr0, %%rax");
	PRIVILEGED("movq %%rax, %%cr0");
	PRIVILEGED("movq %%cr2, %%rax");
	PRIVILEGED("movq %%cr3, %%rax");
	PRIVILEGED("movq %%rax, %%cr4");
	PRIVILEGED("movq %%cr8, %%rax");
	PRIVILEGED("movq %%dr0, %%rax");
	PRIVILEGED("movq %%rax, %%dr7");
	PRIVILEGED("rdmsr");
	PRIVILEGED("wrmsr");
	PRIVILEGED("swapgs");
	PRIVILEGED("sysretq");
	PRIVILEGED("sysexit");
}

static void io_instructions(void)
{
	heading("IOPL and the I/O bitmap: CPL <= IOPL, or the port's bit is clear");
	PRIVILEGED("cli");
	PRIVILEGED("sti");
	TRY("inb $0x61, %%al", "i"(0));
	report("inb 0x61", GP, 0, "IOPL 0 < CPL, no bitmap");
	ioperm(0x61, 1, 1);
	TRY("inb $0x61, %%al", "i"(0));
	report("inb 0x61 after ioperm(0x61, 1)", NONE, 0, "bit 0x61 is clear");
	TRY("inb $0x60, %%al", "i"(0));
	report("inb 0x60", GP, 0, "bit 0x60 is set");
	TRY("inw $0x61, %%ax", "i"(0));
	report("inw 0x61: two ports", GP, 0, "bit 0x62 is set");
	iopl(3);
	TRY("inb $0x60, %%al", "i"(0));
	report("inb 0x60 after iopl(3)", NONE, 0, "all bits are clear; IOPL is still 0");
	TRY("cli", "i"(0));
	report("cli after iopl(3)", GP, 0, "IOPL 0 < CPL: since Linux 5.5");
	iopl(0);
	ioperm(0x61, 1, 0);
	TRY("inb $0x61, %%al", "i"(0));
	report("inb 0x61 when given back", GP, 0, "bit 0x61 is set");
}

int main(void)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGILL, &act, NULL);
	data_segments();
	stack_segments();
	local_segments();
	code_segments();
	gates();
	privileged_instructions();
	io_instructions();
	printf("\nrings: %d answers were not the expected ones\n", wrong);
	return wrong != 0;
}
