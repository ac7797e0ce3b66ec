#ifndef _LINUX_BINFMTS_H
#define _LINUX_BINFMTS_H

#include <linux/fs.h>
#include <linux/mm.h>

#define BINPRM_BUF_SIZE		256
#define MAX_ARG_PAGES		32
#define MAX_ARG_STRINGS		1024
#define BINPRM_MAX_DEPTH	4

struct pt_regs;

/* What an execve carries until the new program stands. */
struct linux_binprm {
	char buf[BINPRM_BUF_SIZE];	/* the file's first bytes, zero-padded */
	struct file *file;
	struct mm_struct *mm;		/* the new address space */
	void *page[MAX_ARG_PAGES];	/* the new stack's last pages, last one last */
	unsigned long p;		/* next free byte of the new stack, downwards: a user address */
	unsigned long exec;		/* user address of the file name */
	int argc, envc;
	int depth;			/* how many interpreters deep */
	bool point_of_no_return;	/* the old program is gone: an error must kill */
	const char *filename;		/* of the binary as asked for */
	char *interp;			/* of the binary that runs, where a script names another */
};

struct linux_binfmt {
	struct list_head lh;
	int (*load_binary)(struct linux_binprm *bprm, struct pt_regs *regs);
};

void register_binfmt(struct linux_binfmt *fmt);
int search_binary_handler(struct linux_binprm *bprm, struct pt_regs *regs);
int prepare_binprm(struct linux_binprm *bprm);
int copy_strings_kernel(int argc, const char *const *argv, struct linux_binprm *bprm);
int remove_arg_zero(struct linux_binprm *bprm);
struct file *open_exec(const char *name);
int flush_old_exec(struct linux_binprm *bprm);
int setup_arg_pages(struct linux_binprm *bprm);

int do_execve(const char *filename, const char __user *const __user *argv,
	      const char __user *const __user *envp, struct pt_regs *regs);
int kernel_execve(const char *filename, const char *const argv[], const char *const envp[]);

#endif
