/* start_kernel: from the first C function to the first program in ring 3. */
#include <asm/alternative.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/irqflags.h>
#include <asm/la57.h>
#include <asm/pti.h>
#include <linux/binfmts.h>
#include <linux/console.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/utsname.h>


const char linux_banner[] = "Linux version 6.1.0-ringscope (a model of Linux for x86-64)\n";

/* The program that init= names. */
static const char *execute_command;

static int __init init_setup(char *str)
{
	execute_command = str;
	return 1;
}
__setup("init=", init_setup);

/* The program that rdinit= names; one of an archive that is a whole system is called so. */
static const char *ramdisk_execute_command = "/init";

static int __init rdinit_setup(char *str)
{
	ramdisk_execute_command = str;
	return 1;
}
__setup("rdinit=", rdinit_setup);

/* Descriptors 0, 1 and 2 of init, and so of every program. */
static void __init console_on_rootfs(void)
{
	struct file *file = filp_open("/dev/console", O_RDWR, 0);

	if (IS_ERR(file)) {
		printk(KERN_ERR "Warning: unable to open an initial console.\n");
		return;
	}
	fd_install(get_file(file), 0);
	fd_install(get_file(file), 0);
	fd_install(file, 0);
}

static bool file_exists(const char *path)
{
	struct file *file = filp_open(path, O_RDONLY, 0);

	if (IS_ERR(file))
		return false;
	fput(file);
	return true;
}

/* 0 if the task is the program now, and ret_from_fork will enter it; execve=int80 returns only on failure. */
static noinline int run_init_process(const char *init_filename)
{
	argv_init[0] = init_filename;
	printk(KERN_INFO "Run %s as init process\n", init_filename);
	return kernel_execve(init_filename, argv_init, envp_init);
}

static noinline int try_to_run_init_process(const char *init_filename)
{
	int ret = run_init_process(init_filename);

	if (ret && ret != -ENOENT)
		printk(KERN_ERR "Starting init: %s exists but couldn't execute it (error %d)\n",
		       init_filename, ret);
	return ret;
}

/* The part of kernel_init that is given back with the rest. */
static noinline void __init kernel_init_freeable(void)
{
	smp_init();
	do_initcalls();
	console_on_rootfs();
}

/* Task 1, still in ring 0: prepare what a program needs, then become one. */
static noinline int kernel_init(void *unused)
{
	kernel_init_freeable();
	free_initmem();

	if (file_exists(ramdisk_execute_command)) {
		int ret = run_init_process(ramdisk_execute_command);

		if (!ret)
			return 0;
		printk(KERN_ERR "Failed to execute %s (error %d)\n", ramdisk_execute_command, ret);
	}
	if (execute_command) {
		int ret = run_init_process(execute_command);

		if (!ret)
			return 0;
		panic("Requested init %s failed (error %d).", execute_command, ret);
	}
	if (!try_to_run_init_process("/sbin/init") || !try_to_run_init_process("/etc/init") ||
	    !try_to_run_init_process("/bin/init") || !try_to_run_init_process("/bin/sh"))
		return 0;
	panic("No working init found.  Try passing init= option to kernel. "
	      "See Linux Documentation/admin-guide/init.rst for guidance.");
}

/* The boot thread makes task 1 and becomes the idle task. */
static noinline void __noreturn rest_init(void)
{
	kernel_thread(kernel_init, NULL, "swapper");
	cpu_idle();
}

/* Called by x86_64_start_kernel on init_task's stack, interrupts off. */
noinline void __init start_kernel(void)
{
	setup_per_cpu_areas();
	early_serial_init();
	printk(KERN_NOTICE "%s", linux_banner);
	early_cpu_init();
	setup_arch();
	printk(KERN_NOTICE "Kernel command line: %s\n", boot_command_line);
	parse_args(boot_command_line);
	find_smp_config();
	pti_check_boottime_disable();
	la57_init();
	alternative_instructions();

	mem_init();
	pti_init();
	mnt_init();
	cpu_init();
	trap_init();
	tsc_init();
	print_boot_marks();
	softirq_init();
	init_8259A();
	timekeeping_init();
	time_init();
	init_local_APIC();
	local_irq_enable();
	rest_init();
}
