/*
 * execve: from a path to a new program in place of the old one, in Linux's order and under Linux's names
 * (Linux: fs/exec.c). What can fail, fails before begin_new_exec; after it there is no program to go back to.
 */
#include <asm/tlbflush.h>
#include <asm/uaccess.h>
#include <linux/binfmts.h>
#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/personality.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/syscalls.h>

static LIST_HEAD(formats);

void register_binfmt(struct linux_binfmt *fmt)
{
	list_add_tail(&fmt->lh, &formats);
}

void insert_binfmt(struct linux_binfmt *fmt)
{
	list_add_tail(&fmt->lh, formats.next);
}

/* A file that may be executed: regular, with one of its x bits. */
static noinline struct file *do_open_execat(int fd, const char *name, int flags)
{
	struct file *file;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return ERR_PTR(-EINVAL);
	if (!*name && (flags & AT_EMPTY_PATH))
		file = fget(fd) ?: ERR_PTR(-EBADF);
	else
		file = do_filp_open(fd, name, O_RDONLY | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0);
	if (IS_ERR(file) || (S_ISREG(file->f_inode->i_mode) && (file->f_inode->i_mode & 0111)))
		return file;
	fput(file);
	return ERR_PTR(-EACCES);
}

struct file *open_exec(const char *name)
{
	return do_open_execat(AT_FDCWD, name, 0);
}

void free_bprm(struct linux_binprm *bprm)
{
	if (bprm->mm)
		mmput(bprm->mm);
	if (bprm->cred)
		put_cred(bprm->cred);
	if (bprm->file)
		fput(bprm->file);
	if (bprm->interpreter)
		fput(bprm->interpreter);
	if (bprm->executable)
		fput(bprm->executable);
	if (bprm->interp != bprm->filename)
		kfree(bprm->interp);
	kfree(bprm->fdpath);
	kfree(bprm);
}

/* "/dev/fd/5/name", or "/dev/fd/5": what a program executed by descriptor takes for its own path. */
static char *describe_fd_path(int fd, const char *filename)
{
	char *path = kzalloc(PATH_MAX);

	if (path)
		snprintf(path, PATH_MAX, *filename ? "/dev/fd/%d/%s" : "/dev/fd/%d%s", fd, filename);
	return path;
}

struct linux_binprm *alloc_bprm(int fd, const char *filename)
{
	struct linux_binprm *bprm = kzalloc(sizeof(*bprm));
	int retval = -ENOMEM;

	if (!bprm)
		return ERR_PTR(-ENOMEM);
	bprm->filename = bprm->interp = filename;
	if (fd != AT_FDCWD && *filename != '/')
		bprm->filename = bprm->interp = bprm->fdpath = describe_fd_path(fd, filename);
	if (bprm->filename)
		retval = bprm_mm_init(bprm);
	if (!retval)
		return bprm;
	free_bprm(bprm);
	return ERR_PTR(retval);
}

/* Called by a format: the file at interp is what runs in the end. */
int bprm_change_interp(const char *interp, struct linux_binprm *bprm)
{
	if (bprm->interp != bprm->filename)
		kfree(bprm->interp);
	bprm->interp = kstrdup(interp);
	return bprm->interp ? 0 : -ENOMEM;
}

/* A copy of the caller's identity, for the file to change. */
static noinline int prepare_bprm_creds(struct linux_binprm *bprm)
{
	bprm->cred = prepare_exec_creds();
	return bprm->cred ? 0 : -ENOMEM;
}

/* Circumstances under which a set-user-ID program must not get what its file promises. */
static noinline void check_unsafe_exec(struct linux_binprm *bprm)
{
	if (current->no_new_privs)
		bprm->unsafe |= LSM_UNSAFE_NO_NEW_PRIVS;
}

/* The identity that the file gives its program: S_ISUID and S_ISGID (Linux: bprm_creds_from_file). */
static void bprm_creds_from_file(struct linux_binprm *bprm)
{
	const struct inode *inode = (bprm->execfd_creds ? bprm->executable : bprm->file)->f_inode;
	struct cred *cred = bprm->cred;

	if (!bprm->unsafe && (inode->i_mode & S_ISUID))
		cred->euid = inode->i_uid;
	if (!bprm->unsafe && (inode->i_mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		cred->egid = inode->i_gid;
	cred->suid = cred->fsuid = cred->euid;
	cred->sgid = cred->fsgid = cred->egid;
	bprm->secureexec = cred->euid != cred->uid || cred->egid != cred->gid;
	if (bprm->secureexec)
		current->personality &= ~PER_CLEAR_ON_SETID;
}

/* Read the file's first bytes, by which a format knows its own. Whatever lies beyond BINPRM_BUF_SIZE is not seen. */
static noinline int prepare_binprm(struct linux_binprm *bprm)
{
	ssize_t n;

	memset(bprm->buf, 0, BINPRM_BUF_SIZE);
	n = kernel_read(bprm->file, bprm->buf, BINPRM_BUF_SIZE, 0);
	return n < 0 ? n : 0;
}

/* Make the new address space the task's own; the old one goes. */
static noinline void exec_mmap(struct linux_binprm *bprm)
{
	struct mm_struct *old_mm = current->mm, *active_mm = current->active_mm;

	current->mm = bprm->mm;
	current->active_mm = bprm->mm;
	bprm->mm = NULL;
	switch_mm(active_mm, current->mm);
	if (old_mm)
		mmput(old_mm);
	else
		mmdrop(active_mm);
}

/*
 * Called by a format that will run the file. The point of no return: the old program's memory, identity and
 * registers are given up. Linux before 5.8 called the first half flush_old_exec.
 */
noinline int begin_new_exec(struct linux_binprm *bprm)
{
	int err = de_thread();

	if (!err)
		err = unshare_sighand();
	if (!err)
		err = unshare_files();
	if (err)
		return err;
	bprm_creds_from_file(bprm);
	bprm->point_of_no_return = true;
	mm_release(current);
	exec_mmap(bprm);
	set_task_comm(current, kbasename(bprm->filename));
	set_fs(USER_DS);
	do_close_on_exec();
	current->exit_signal = SIGCHLD;
	current->flags &= ~PF_FORKNOEXEC;
	current->sas_ss_sp = current->sas_ss_size = 0;
	flush_signal_handlers(current, false);
	flush_thread();
	commit_creds(bprm->cred);
	bprm->cred = NULL;
	if (!bprm->have_execfd)
		return 0;
	bprm->execfd = fd_install(get_file(bprm->executable), 0);
	return min(bprm->execfd, 0);
}

/* Offer the file to every format until one takes it or fails for a reason of its own. */
static noinline int search_binary_handler(struct linux_binprm *bprm)
{
	struct linux_binfmt *fmt;
	int retval = prepare_binprm(bprm);

	if (retval < 0)
		return retval;
	retval = -ENOEXEC;
	list_for_each_entry(fmt, &formats, lh) {
		retval = fmt->load_binary(bprm);
		if (retval != -ENOEXEC || bprm->point_of_no_return)
			break;
	}
	return retval;
}

/* The file that a format named takes the place of the one that named it. */
static void take_interpreter(struct linux_binprm *bprm)
{
	struct file *exec = bprm->file;

	bprm->file = bprm->interpreter;
	bprm->interpreter = NULL;
	if (bprm->have_execfd && !bprm->executable)
		bprm->executable = exec;
	else
		fput(exec);
}

/* Round and round: a script's interpreter may be a script. Linux before 5.8 recursed instead. */
static noinline int exec_binprm(struct linux_binprm *bprm)
{
	int depth;

	for (depth = 0;; depth++) {
		int retval;

		if (depth > BINPRM_MAX_DEPTH)
			return -ELOOP;
		retval = search_binary_handler(bprm);
		if (retval < 0)
			return retval;
		if (!bprm->interpreter)
			return 0;
		take_interpreter(bprm);
	}
}

/* The strings stand: find the file and become it. */
noinline int bprm_execve(struct linux_binprm *bprm, int fd, const char *filename, int flags)
{
	struct file *file;
	int retval = prepare_bprm_creds(bprm);

	if (retval)
		return retval;
	check_unsafe_exec(bprm);
	file = do_open_execat(fd, filename, flags);
	if (IS_ERR(file))
		return PTR_ERR(file);
	sched_exec();
	bprm->file = file;
	retval = exec_binprm(bprm);
	if (retval < 0 && bprm->point_of_no_return)
		force_fatal_sig(SIGKILL);
	return retval;
}

/* File name, environment and arguments, from the stack's top down. A program without argv[0] gets an empty one. */
static int copy_arguments(struct linux_binprm *bprm, struct user_arg_ptr argv, struct user_arg_ptr envp)
{
	int retval = bprm->argc = count(argv, MAX_ARG_STRINGS);

	if (retval >= 0)
		retval = bprm->envc = count(envp, MAX_ARG_STRINGS);
	if (retval >= 0)
		retval = bprm_stack_limits(bprm);
	if (!retval)
		retval = copy_string_kernel(bprm->filename, bprm);
	bprm->exec = bprm->p;
	if (!retval)
		retval = copy_strings(bprm->envc, envp, bprm);
	if (!retval)
		retval = copy_strings(bprm->argc, argv, bprm);
	if (retval || bprm->argc)
		return retval;
	printk(KERN_WARNING "process '%s' launched '%s' with NULL argv: empty string added\n", current->comm,
	       bprm->filename);
	bprm->argc = 1;
	return copy_string_kernel("", bprm);
}

/*
 * A set-user-ID program that gave up its rights may own more processes than the limit allows. setuid cannot fail
 * for that, since nobody checks; execve does, here.
 */
static int check_nproc(void)
{
	if ((current->flags & PF_NPROC_EXCEEDED) && is_nproc_overlimit(current_cred()->uid))
		return -EAGAIN;
	current->flags &= ~PF_NPROC_EXCEEDED;
	return 0;
}

static noinline int do_execveat_common(int fd, const char *filename, struct user_arg_ptr argv,
				       struct user_arg_ptr envp, int flags)
{
	struct linux_binprm *bprm;
	int retval = check_nproc();

	if (retval)
		return retval;
	bprm = alloc_bprm(fd, filename);
	if (IS_ERR(bprm))
		return PTR_ERR(bprm);
	retval = copy_arguments(bprm, argv, envp);
	if (!retval)
		retval = bprm_execve(bprm, fd, filename, flags);
	free_bprm(bprm);
	return retval;
}

/* Pointers of 32 bits in argv and envp: a 32-bit program's, or any program's by int $0x80. */
static struct user_arg_ptr user_arg_ptr(const char __user *const __user *strings)
{
	return (struct user_arg_ptr) { in_ia32_syscall(), { .native = strings } };
}

noinline int do_execve(const char *filename, const char __user *const __user *argv,
		       const char __user *const __user *envp)
{
	return do_execveat_common(AT_FDCWD, filename, user_arg_ptr(argv), user_arg_ptr(envp), 0);
}

/* From ring 3 by either entry, and from kernel_execve by int $0x80 in ring 0. */
noinline long sys_execve(const char __user *filename, const char __user *const __user *argv,
			 const char __user *const __user *envp)
{
	char *name = getname(filename);
	long error;

	if (IS_ERR(name))
		return PTR_ERR(name);
	error = do_execve(name, argv, envp);
	kfree(name);
	return error;
}

noinline long sys_execveat(int fd, const char __user *filename, const char __user *const __user *argv,
			   const char __user *const __user *envp, int flags)
{
	char *name = getname_flags(filename, flags & AT_EMPTY_PATH);
	long error;

	if (IS_ERR(name))
		return PTR_ERR(name);
	error = do_execveat_common(fd, name, user_arg_ptr(argv), user_arg_ptr(envp), flags);
	kfree(name);
	return error;
}
