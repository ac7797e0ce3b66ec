/* Ways to make the kernel fail, for tests: write a name to /sys/kernel/debug/provoke-crash/DIRECT. */
#define pr_fmt(fmt) "lkdtm: " fmt
#include <asm/page.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/string.h>

static const unsigned long rodata = 0xaa55aa55;
static u8 data_area[16] = { 0xc3 };	/* ret */

static void lkdtm_PANIC(void)
{
	panic("dumptest");
}

static void lkdtm_BUG(void)
{
	BUG_ON(rodata);
}

static void lkdtm_EXCEPTION(void)
{
	*(volatile int *)8 = 0;
}

static void lkdtm_DIVIDE(void)
{
	asm volatile("divl %0" : : "r"(0), "a"(1), "d"(0));
}

static void lkdtm_INVALID_OPCODE(void)
{
	asm volatile("ud2");
}

/* Each call keeps its own bytes, so that the stack is what runs out. */
static noinline int recursive_loop(int remaining)
{
	volatile char buf[512];

	buf[0] = remaining;
	buf[sizeof(buf) - 1] = buf[0];
	if (!remaining)
		return 0;
	return recursive_loop(remaining - 1) + buf[sizeof(buf) - 1];
}

static void lkdtm_EXHAUST_STACK(void)
{
	recursive_loop(2 * THREAD_SIZE / 512);
}

static void lkdtm_WRITE_RO(void)
{
	*(volatile unsigned long *)&rodata = 0;
}

static void lkdtm_WRITE_KERN(void)
{
	*(volatile u8 *)_text = 0;
}

static void lkdtm_EXEC_DATA(void)
{
	((void (*)(void))data_area)();
}

/* It was __init, and is gone. */
static noinline int __init init_function(void)
{
	return 0;
}

static void lkdtm_EXEC_INIT(void)
{
	init_function();
}

static void lkdtm_READ_INIT(void)
{
	(void)*(volatile char *)_einittext;
}

static void lkdtm_EXEC_STACK(void)
{
	u8 stack_area[16] = { 0xc3 };

	((void (*)(void))stack_area)();
}

static void lkdtm_EXEC_RODATA(void)
{
	((void (*)(void))&rodata)();
}

/* A page of the writer's, with a RET in it. */
static void *user_page(void)
{
	static const u8 ret = 0xc3;
	long addr = do_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, 0);

	BUG_ON(IS_ERR(addr) || copy_to_user((void __user *)addr, &ret, sizeof(ret)));
	return (void *)addr;
}

static void lkdtm_EXEC_USERSPACE(void)
{
	void *page = user_page();

	pr_info("attempting bad execution at %016lx\n", (unsigned long)page);
	((void (*)(void))page)();
	pr_err("FAIL: func returned\n");
}

static void lkdtm_ACCESS_USERSPACE(void)
{
	volatile u8 *page = user_page();

	pr_info("attempting bad read at %016lx\n", (unsigned long)page);
	(void)*page;
	pr_err("FAIL: survived bad read\n");
	*page = 0;
	pr_err("FAIL: survived bad write\n");
}

static void lkdtm_ACCESS_NONCANONICAL(void)
{
	*(volatile int *)0x8000000000000000UL = 0;
}

#define CRASHTYPE(name) { #name, lkdtm_##name }

static const struct crashtype {
	const char *name;
	void (*func)(void);
} crashtypes[] = {
	CRASHTYPE(PANIC), CRASHTYPE(BUG), CRASHTYPE(EXCEPTION), CRASHTYPE(DIVIDE), CRASHTYPE(INVALID_OPCODE),
	CRASHTYPE(EXHAUST_STACK), CRASHTYPE(WRITE_RO), CRASHTYPE(WRITE_KERN), CRASHTYPE(EXEC_DATA),
	CRASHTYPE(EXEC_INIT), CRASHTYPE(READ_INIT), CRASHTYPE(EXEC_STACK), CRASHTYPE(EXEC_RODATA),
	CRASHTYPE(EXEC_USERSPACE), CRASHTYPE(ACCESS_USERSPACE), CRASHTYPE(ACCESS_NONCANONICAL),
};

#define NAME_SIZE 32

static ssize_t direct_entry(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char name[NAME_SIZE] = { 0 };
	size_t i;

	if (!count || count >= NAME_SIZE)
		return -EINVAL;
	if (copy_from_user(name, buf, count))
		return -EFAULT;
	if (name[count - 1] == '\n')
		name[count - 1] = '\0';
	for (i = 0; i < ARRAY_SIZE(crashtypes); i++) {
		if (strcmp(name, crashtypes[i].name))
			continue;
		pr_info("Performing direct entry %s\n", name);
		crashtypes[i].func();
		return count;
	}
	return -EINVAL;
}

static const struct file_operations direct_fops = { .write = direct_entry };

static int __init lkdtm_init(void)
{
	return create_pseudo_file("/sys/kernel/debug/provoke-crash/DIRECT", 0200, &direct_fops);
}
device_initcall(lkdtm_init);
