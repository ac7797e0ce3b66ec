/* The kernel's last words. */
#include <asm/io.h>
#include <asm/irqflags.h>
#include <linux/init.h>
#include <linux/reboot.h>
#include <linux/sched.h>

/* panic=SECONDS: 0 stays stopped for a debugger to look, negative leaves at once. */
static long panic_timeout;

static int __init set_panic_timeout(char *str)
{
	panic_timeout = simple_strtol(str, NULL);
	return 1;
}
__setup("panic=", set_panic_timeout);

/* End the machine with a code for the host, where it has the port; else stop. */
void machine_exit(unsigned int code)
{
	local_irq_disable();
	outl(code, EXIT_PORT);
	halt_forever();
	__builtin_unreachable();
}

/* The first processor alone has ticks to wake it, and counts them. */
static void wait_seconds(long seconds)
{
	u64 end = local_clock() + seconds * NSEC_PER_SEC;

	while (local_clock() < end) {
		if (smp_processor_id())
			cpu_relax();
		else
			safe_halt();
	}
	local_irq_disable();
}

noinline void panic(const char *fmt, ...)
{
	static char buf[256];
	__builtin_va_list args;

	local_irq_disable();
	console_verbose();
	__builtin_va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	__builtin_va_end(args);
	printk(KERN_EMERG "Kernel panic - not syncing: %s\n", buf);
	smp_send_stop();
	if (panic_timeout > 0) {
		printk(KERN_EMERG "Rebooting in %ld seconds..\n", panic_timeout);
		wait_seconds(panic_timeout);
	}
	if (panic_timeout)
		machine_exit(EXIT_PANIC);
	printk(KERN_EMERG "---[ end Kernel panic - not syncing: %s ]---\n", buf);
	halt_forever();
	__builtin_unreachable();
}
