#ifndef _ASM_PROCESSOR_H
#define _ASM_PROCESSOR_H

#include <asm/desc.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <linux/kernel.h>

struct task_struct;

/* What FXSAVE stores; the kernel itself never touches these registers (SDM 1 10.5.1). */
struct fxregs_state {
	u16 cwd;
	u16 swd;
	u16 twd;
	u16 fop;
	u64 rip;
	u64 rdp;
	u32 mxcsr;
	u32 mxcsr_mask;
	u32 st_space[32];
	u32 xmm_space[64];
	u32 padding[12];
	u32 sw_reserved[12];
} __aligned(16);

BUILD_BUG_ON(sizeof(struct fxregs_state) != 512);
/* A bit for each port, clear where IN and OUT are allowed, and a byte of ones behind the last (SDM 1 19.5.2). */
#define IO_BITMAP_BITS		65536
#define IO_BITMAP_BYTES		(IO_BITMAP_BITS / 8)
#define IO_BITMAP_PAGES		(IO_BITMAP_BYTES / PAGE_SIZE)

/* The processor's state of a task that isn't running, and what entry code must find. */
struct thread_struct {
	unsigned long sp;		/* kernel stack pointer while switched out */
	unsigned long sp0;		/* top of the kernel stack: RSP on entry from ring 3 */
	unsigned short es, ds;		/* selectors while switched out */
	unsigned short fsindex, gsindex;
	struct desc_struct tls_array[GDT_ENTRY_TLS_MAX - GDT_ENTRY_TLS_MIN + 1];
	u8 *io_bitmap[IO_BITMAP_PAGES];	/* of ioperm, or NULL */
	unsigned int iopl_emul;
	unsigned long fsbase;		/* user's FS base */
	unsigned long gsbase;		/* user's GS base, held in KERNEL_GS_BASE inside the kernel */
	unsigned long addr_limit;	/* USER_DS or KERNEL_DS: how far user pointers may reach */
	unsigned int status;		/* TS_COMPAT while an int $0x80 from ring 3 is served */
	struct pt_regs *regs;		/* registers that the current system call saved */
	unsigned long trap_nr;		/* vector and error code of the last fault from ring 3 */
	unsigned long error_code;
	unsigned long cr2;
	u64 ring1_stack[8];		/* with isolation: what was on it */
	struct fxregs_state fpu;
};

/* The 64-bit task-state segment (SDM 3A 7.7). */
struct x86_hw_tss {
	u32 reserved1;
	u64 sp0;
	u64 sp1;
	u64 sp2;
	u64 reserved2;
	u64 ist[7];
	u32 reserved3;
	u32 reserved4;
	u16 reserved5;
	u16 io_bitmap_base;
} __packed;

/* The lowest bytes of a task's kernel stack are its stack in ring 1, which only the gates to RING1_CS use. */
#define RING1_STACK		256

struct tss_struct {
	struct x86_hw_tss x86_tss;
	u8 io_bitmap[IO_BITMAP_BYTES];
	u8 io_bitmap_end;
} __aligned(64);

#define IO_BITMAP_OFFSET	offsetof(struct tss_struct, io_bitmap)
#define TSS_LIMIT		(offsetof(struct tss_struct, io_bitmap_end))
#define IO_BITMAP_INVALID	(TSS_LIMIT + 1)		/* beyond the segment: no port is allowed */

BUILD_BUG_ON(sizeof(struct x86_hw_tss) != 104);

extern struct tss_struct cpu_tss_rw;
extern unsigned long cpu_current_top_of_stack, cpu_user_rsp;

static inline void cpuid(u32 leaf, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	asm volatile("cpuid" : "=a"(*eax), "=b"(*ebx), "=c"(*ecx), "=d"(*edx) : "a"(leaf), "c"(0));
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

#define DEFINE_CONTROL_REGISTER(name)							\
	static inline unsigned long read_##name(void)					\
	{										\
		unsigned long value;							\
											\
		asm volatile("mov %%" #name ", %0" : "=r"(value) : : "memory");		\
		return value;								\
	}										\
											\
	static inline void write_##name(unsigned long value)				\
	{										\
		asm volatile("mov %0, %%" #name : : "r"(value) : "memory");		\
	}

DEFINE_CONTROL_REGISTER(cr0)
DEFINE_CONTROL_REGISTER(cr2)
DEFINE_CONTROL_REGISTER(cr3)
DEFINE_CONTROL_REGISTER(cr4)

static inline void invlpg(unsigned long va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void cpu_relax(void)
{
	asm volatile("pause" ::: "memory");
}

void start_thread(struct pt_regs *regs, unsigned long new_ip, unsigned long new_sp);
void update_task_stack(struct task_struct *task);
void switch_ring1_stack(struct thread_struct *prev, const struct thread_struct *next);
void tss_update_io_bitmap(const struct thread_struct *thread);
bool io_bitmap_share(struct thread_struct *thread);
void free_io_bitmap(struct thread_struct *thread);
void flush_segments(struct thread_struct *thread, unsigned short data);
void save_segments(struct thread_struct *thread);
void load_segments(const struct thread_struct *thread);
void compat_start_thread(struct pt_regs *regs, unsigned long new_ip, unsigned long new_sp);
struct task_struct *__switch_to(struct task_struct *prev_p, struct task_struct *next_p);

#endif
