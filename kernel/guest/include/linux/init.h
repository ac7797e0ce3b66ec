#ifndef _LINUX_INIT_H
#define _LINUX_INIT_H

#include <linux/compiler.h>
#include <linux/types.h>

typedef int (*initcall_t)(void);

/* Linux stores a place alone, and asks its symbol table for the name. */
typedef struct {
	initcall_t fn;
	const char *name;
} initcall_entry_t;

/* Run by do_initcalls level by level, within one level in link order; rootfs comes behind all of fs. */
#define __define_initcall(fn, level) \
	static const initcall_entry_t __initcall_##fn __used __section(".initcall" #level ".init") = { fn, #fn }
#define pure_initcall(fn)	__define_initcall(fn, 0)
#define core_initcall(fn)	__define_initcall(fn, 1)
#define postcore_initcall(fn)	__define_initcall(fn, 2)
#define arch_initcall(fn)	__define_initcall(fn, 3)
#define subsys_initcall(fn)	__define_initcall(fn, 4)
#define fs_initcall(fn)		__define_initcall(fn, 5)
#define rootfs_initcall(fn)	__define_initcall(fn, rootfs)
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

extern char boot_command_line[], *saved_command_line;

/* Direct-map addresses of the initial RAM disk; both 0 without one. */
extern unsigned long initrd_start, initrd_end;

void x86_64_start_kernel(unsigned long real_mode_data) __noreturn;
void start_kernel(void) __noreturn;
void setup_arch(void);
void print_boot_marks(void);
void parse_args(char *command_line);
void do_initcalls(void);
void free_initmem(void);

extern const char *argv_init[];
extern const char *envp_init[];

#endif
