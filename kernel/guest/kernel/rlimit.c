/* Limits of what a process may use, and prctl's promise to gain nothing by execve (Linux: kernel/sys.c). */
#include <asm/uaccess.h>
#include <linux/cred.h>
#include <linux/prctl.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

/* Lowering is always allowed, raising the maximum only to root. */
static int check_rlimit(const struct rlimit *old, const struct rlimit *new)
{
	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	return new->rlim_max > old->rlim_max && current_cred()->euid != GLOBAL_ROOT_UID ? -EPERM : 0;
}

noinline long sys_prlimit64(pid_t pid, unsigned int resource, const void __user *new_rlim, void __user *old_rlim)
{
	struct task_struct *task = pid ? find_task_by_vpid(pid) : current;
	struct rlimit new, old;
	int err = 0;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (!task)
		return -ESRCH;
	old = task->signal->rlim[resource];
	if (new_rlim && copy_from_user(&new, new_rlim, sizeof(new)))
		return -EFAULT;
	if (new_rlim)
		err = check_rlimit(&old, &new);
	if (err)
		return err;
	if (new_rlim)
		task->signal->rlim[resource] = new;
	return old_rlim && copy_to_user(old_rlim, &old, sizeof(old)) ? -EFAULT : 0;
}

long sys_getrlimit(unsigned int resource, void __user *rlim)
{
	return sys_prlimit64(0, resource, NULL, rlim);
}

long sys_setrlimit(unsigned int resource, const void __user *rlim)
{
	return sys_prlimit64(0, resource, rlim, NULL);
}

noinline long sys_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)
{
	char comm[TASK_COMM_LEN] = { 0 };

	switch (option) {
	case PR_SET_NAME:
		if (strncpy_from_user(comm, (const char __user *)arg2, TASK_COMM_LEN - 1) < 0)
			return -EFAULT;
		set_task_comm(current, comm);
		return 0;
	case PR_GET_NAME:
		return copy_to_user((void __user *)arg2, current->comm, TASK_COMM_LEN) ? -EFAULT : 0;
	case PR_SET_NO_NEW_PRIVS:
		if (arg2 != 1 || arg3 || arg4 || arg5)
			return -EINVAL;
		current->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return current->no_new_privs;
	default:
		return -EINVAL;
	}
}
