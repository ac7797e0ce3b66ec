#ifndef _LINUX_INIT_H
#define _LINUX_INIT_H

#include <linux/compiler.h>
#include <linux/types.h>

typedef int (*initcall_t)(void);

/* Run by do_initcalls in the order of the numbers, within one number in link order. */
#define __define_initcall(fn, level) \
	static const initcall_t __initcall_##fn __used __section(".initcall" #level ".init") = fn
#define core_initcall(fn)	__define_initcall(fn, 1)
#define rootfs_initcall(fn)	__define_initcall(fn, 5)
#define device_initcall(fn)	__define_initcall(fn, 6)
#define late_initcall(fn)	__define_initcall(fn, 7)

/* A parameter of the command line: setup_func gets what follows str and returns 1 if it was understood. */
struct obs_kernel_param {
	const char *str;
	int (*setup_func)(char *value);
};

#define __setup(text, fn)								\
	static const struct obs_kernel_param __setup_##fn __used			\
		__section(".init.setup") = { text, fn }

extern char boot_command_line[], saved_command_line[];
extern const char *ramdisk_execute_command;

/* Direct-map addresses of the initial RAM disk; both 0 without one. */
extern unsigned long initrd_start, initrd_end;

void x86_64_start_kernel(unsigned long real_mode_data) __noreturn;
void start_kernel(void) __noreturn;
void setup_arch(void);
void parse_args(char *command_line);
void mark_rodata_ro(void);

extern const char *argv_init[];
extern const char *envp_init[];

#endif
