/* Programs that the kernel itself starts. */
#include <linux/binfmts.h>
#include <linux/sched.h>

/* What the caller and the kernel thread share, on the caller's stack while it waits. */
struct subprocess_info {
	const char *path;
	const char *const *argv;
	const char *const *envp;
};

/* A kernel thread: become the program, or exit with why not. */
static noinline int call_usermodehelper_exec_async(void *data)
{
	const struct subprocess_info *sub_info = data;

	return kernel_execve(sub_info->path, sub_info->argv, sub_info->envp);
}

/*
 * Run a program in ring 3 and wait for its end. Returns its status as wait4 has it, or -errno if it could not be
 * started at all. The program has no open files: it reports through /dev/kmsg.
 */
noinline int call_usermodehelper(const char *path, const char *const *argv, const char *const *envp)
{
	struct subprocess_info sub_info = { path, argv, envp };
	pid_t pid = kernel_thread(call_usermodehelper_exec_async, &sub_info, "kworker/u2:0");
	int status = 0;
	long ret;

	if (pid < 0)
		return pid;
	ret = kernel_wait4(pid, &status, 0);
	return ret < 0 ? ret : status;
}
