/* Copies between the kernel and a user's memory, each instruction of which may fault. */
#include <asm/alternative.h>
#include <asm/cpufeature.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/sched.h>

extern const struct exception_table_entry __start___ex_table[], __stop___ex_table[];

void set_fs(unsigned long limit)
{
	current->thread.addr_limit = limit;
}

bool access_ok(const void __user *ptr, unsigned long size)
{
	unsigned long limit = current->thread.addr_limit;

	return size <= limit && (unsigned long)ptr <= limit - size;
}

/* The instructions between them mean a user's page (SDM 3A 4.6); where there is no SMAP they are NOPs. */
#define stac() asm volatile(ALTERNATIVE(NOP3, "stac", X86_FEATURE_SMAP) : : : "memory", "cc")
#define clac() asm volatile(ALTERNATIVE(NOP3, "clac", X86_FEATURE_SMAP) : : : "memory", "cc")

/*
 * REP MOVS counts RCX down as it goes, so after a fault RCX says how much was left. Eight bytes at a time; the rest,
 * and after a fault the way to the very byte that cannot be copied, one at a time.
 */
static unsigned long copy_user_generic(void *to, const void *from, unsigned long n)
{
	unsigned long words = n / sizeof(u64);

	stac();
	asm volatile("1: rep movsq\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	n = words * sizeof(u64) + n % sizeof(u64);
	asm volatile("1: rep movsb\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	clac();
	return n;
}

unsigned long copy_from_user(void *to, const void __user *from, unsigned long n)
{
	return access_ok(from, n) ? copy_user_generic(to, from, n) : n;
}

unsigned long copy_to_user(void __user *to, const void *from, unsigned long n)
{
	return access_ok(to, n) ? copy_user_generic(to, from, n) : n;
}

unsigned long clear_user(void __user *to, unsigned long n)
{
	if (!access_ok(to, n))
		return n;
	stac();
	asm volatile("1: rep stosb\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+D"(to), "+c"(n) : "a"(0) : "memory");
	clac();
	return n;
}

long strncpy_from_user(char *dst, const char __user *src, long count)
{
	long n;

	for (n = 0; n < count; n++) {
		if (copy_from_user(&dst[n], src + n, 1))
			return -EFAULT;
		if (!dst[n])
			return n;
	}
	return count;
}

/* empty_ok: an empty path is one too, where a descriptor may stand for the file. */
char *getname_flags(const char __user *filename, bool empty_ok)
{
	char *name = kzalloc(PATH_MAX);
	long len;

	if (!name)
		return ERR_PTR(-ENOMEM);
	len = strncpy_from_user(name, filename, PATH_MAX);
	if ((len > 0 || (!len && empty_ok)) && len < PATH_MAX)
		return name;
	kfree(name);
	return ERR_PTR(len < 0 ? len : len ? -ENAMETOOLONG : -ENOENT);
}

char *getname(const char __user *filename)
{
	return getname_flags(filename, false);
}

/* Called by a fault in ring 0: go on at the fixup, if the instruction was expected to fault. */
bool fixup_exception(struct pt_regs *regs)
{
	const struct exception_table_entry *e;

	for (e = __start___ex_table; e < __stop___ex_table; e++) {
		if ((unsigned long)&e->insn + (long)e->insn != regs->ip)
			continue;
		regs->ip = (unsigned long)&e->fixup + (long)e->fixup;
		return true;
	}
	return false;
}
