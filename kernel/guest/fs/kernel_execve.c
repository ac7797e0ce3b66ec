/* How a thread of the kernel becomes a program: by a system call out of ring 0, or without one (Linux: fs/exec.c). */
#include <asm/unistd.h>
#include <linux/binfmts.h>
#include <linux/fcntl.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/string.h>

static int copy_arguments_kernel(struct linux_binprm *bprm, const char *const *argv, const char *const *envp)
{
	int retval;

	bprm->argc = count_strings_kernel(argv);
	bprm->envc = count_strings_kernel(envp);
	retval = bprm_stack_limits(bprm);
	if (!retval)
		retval = copy_string_kernel(bprm->filename, bprm);
	bprm->exec = bprm->p;
	if (!retval)
		retval = copy_strings_kernel(bprm->envc, envp, bprm);
	if (!retval)
		retval = copy_strings_kernel(bprm->argc, argv, bprm);
	return retval;
}

/* execve=: how a kernel thread becomes a program. */
static bool execve_int80 = true;

static int __init execve_setup(char *str)
{
	execve_int80 = !strcmp(str, "int80");
	return execve_int80 || !strcmp(str, "ret_from_fork");
}
__setup("execve=", execve_setup);

/* As today: no system call. The caller returns 0, and ret_from_fork does the rest. */
static noinline int kernel_execve_direct(const char *filename, const char *const *argv, const char *const *envp)
{
	struct linux_binprm *bprm = alloc_bprm(AT_FDCWD, filename);
	int retval;

	if (IS_ERR(bprm))
		return PTR_ERR(bprm);
	retval = copy_arguments_kernel(bprm, argv, envp);
	if (!retval)
		retval = bprm_execve(bprm, AT_FDCWD, filename, 0);
	free_bprm(bprm);
	return retval;
}

/*
 * Become a program, from a kernel thread: -errno, or 0 with registers for ring 3 where ret_from_fork finds them.
 *
 * execve=int80, as Linux did on x86 until 2012: a system call out of ring 0. If all goes well the IRETQ at its end
 * enters the program in ring 3, and this never returns. The label is for a debugger to stop at.
 */
noinline int kernel_execve(const char *filename, const char *const *argv, const char *const *envp)
{
	long ret;

	if (!execve_int80)
		return kernel_execve_direct(filename, argv, envp);
	asm volatile(".globl kernel_execve_int80\n"
		     "kernel_execve_int80: int $0x80"
		     : "=a"(ret)
		     : "a"(__NR_ia32_execve), "b"(filename), "c"(argv), "d"(envp)
		     : "memory");
	return ret;
}
