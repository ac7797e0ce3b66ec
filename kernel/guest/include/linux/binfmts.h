#ifndef _LINUX_BINFMTS_H
#define _LINUX_BINFMTS_H

#include <linux/fs.h>
#include <linux/mm.h>

#define BINPRM_BUF_SIZE		256
#define BINPRM_MAX_DEPTH	5		/* interpreters of interpreters; one more is -ELOOP */
#define MAX_ARG_STRLEN		(32 * PAGE_SIZE)
#define MAX_ARG_STRINGS		0x7fffffff
#define ARG_MAX			(32 * PAGE_SIZE)

/* Why a set-user-ID program may not be trusted with its new identity (Linux: include/linux/security.h). */
#define LSM_UNSAFE_NO_NEW_PRIVS		4

struct cred;
struct pt_regs;

/* What an execve carries until the new program stands. */
struct linux_binprm {
	struct vm_area_struct *vma;	/* the new stack, until setup_arg_pages */
	struct mm_struct *mm;		/* the new address space, until begin_new_exec */
	unsigned long p;		/* lowest byte in use of the new stack */
	unsigned long argmin;		/* p never goes below */
	bool have_execfd;		/* binfmt_misc's O: the interpreter gets the file open */
	bool execfd_creds;		/* binfmt_misc's C: identity by the file, not by the interpreter */
	bool secureexec;		/* AT_SECURE: the identity changed */
	bool point_of_no_return;	/* the old program is gone: an error must kill */
	struct file *executable;	/* the file of have_execfd */
	struct file *interpreter;	/* set by a format: search again with this file */
	struct file *file;
	struct cred *cred;		/* the identity of the new program */
	int unsafe;			/* LSM_UNSAFE_ bits */
	int argc, envc;
	const char *filename;		/* as asked for: the first script, if it is one */
	const char *interp;		/* of the binary that runs */
	const char *fdpath;		/* "/dev/fd/N", where execveat has no name */
	int execfd;
	unsigned long loader, exec;	/* exec: user address of filename */
	char buf[BINPRM_BUF_SIZE];	/* the file's first bytes, zero-padded */
};

struct linux_binfmt {
	struct list_head lh;
	const char *name;
	int (*load_binary)(struct linux_binprm *bprm);
};

/* A user's array of strings, of 32-bit pointers where the caller is a 32-bit program. */
struct user_arg_ptr {
	bool is_compat;
	union {
		const char __user *const __user *native;
		const compat_uptr_t __user *compat;
	} ptr;
};

/* exec.c */
void register_binfmt(struct linux_binfmt *fmt);		/* asked last */
void insert_binfmt(struct linux_binfmt *fmt);		/* asked first */
struct file *open_exec(const char *name);
int begin_new_exec(struct linux_binprm *bprm);
int bprm_change_interp(const char *interp, struct linux_binprm *bprm);
int do_execve(const char *filename, const char __user *const __user *argv,
	      const char __user *const __user *envp);
struct linux_binprm *alloc_bprm(int fd, const char *filename);
void free_bprm(struct linux_binprm *bprm);
int bprm_execve(struct linux_binprm *bprm, int fd, const char *filename, int flags);

/* kernel_execve.c */
int kernel_execve(const char *filename, const char *const *argv, const char *const *envp);

/* exec_args.c */
int bprm_mm_init(struct linux_binprm *bprm);
int bprm_stack_limits(struct linux_binprm *bprm);
int count(struct user_arg_ptr argv, int max);
int count_strings_kernel(const char *const *argv);
int copy_strings(int argc, struct user_arg_ptr argv, struct linux_binprm *bprm);
int copy_string_kernel(const char *arg, struct linux_binprm *bprm);
int copy_strings_kernel(int argc, const char *const *argv, struct linux_binprm *bprm);
int remove_arg_zero(struct linux_binprm *bprm);
int setup_arg_pages(struct linux_binprm *bprm, unsigned long stack_top, unsigned long vm_exec);

#endif
