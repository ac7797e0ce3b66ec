/* Identities: who a task is, and how it becomes somebody else (Linux: kernel/cred.c, kernel/sys.c). */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

struct cred init_cred = { .usage = 1 };

struct cred *get_cred(struct cred *cred)
{
	cred->usage++;
	return cred;
}

void put_cred(struct cred *cred)
{
	BUG_ON(!cred->usage);
	if (!--cred->usage)
		kfree(cred);
}

/* A copy of the current task's, to change and commit; NULL when memory is out. */
noinline struct cred *prepare_creds(void)
{
	struct cred *new = kzalloc(sizeof(*new));

	if (!new)
		return NULL;
	*new = *current->cred;
	new->usage = 1;
	return new;
}

/* The same for execve: what was saved is what is effective. */
struct cred *prepare_exec_creds(void)
{
	struct cred *new = prepare_creds();

	if (new) {
		new->suid = new->fsuid = new->euid;
		new->sgid = new->fsgid = new->egid;
	}
	return new;
}

noinline void commit_creds(struct cred *new)
{
	struct cred *old = current->cred;

	current->cred = new;
	put_cred(old);
}

static unsigned long nr_processes_of(kuid_t uid)
{
	struct task_struct *p;
	unsigned long n = 0;

	for_each_process(p)
		n += p->cred->uid == uid;
	return n;
}

bool is_nproc_overlimit(kuid_t uid)
{
	return uid != GLOBAL_ROOT_UID && nr_processes_of(uid) > rlimit(RLIMIT_NPROC);
}

/* setuid succeeds even where the new owner has too many processes: programs rely on it. execve will not. */
static void flag_nproc_exceeded(const struct cred *new)
{
	if (nr_processes_of(new->uid) >= rlimit(RLIMIT_NPROC) && new->uid != GLOBAL_ROOT_UID)
		current->flags |= PF_NPROC_EXCEEDED;
	else
		current->flags &= ~PF_NPROC_EXCEEDED;
}

/* Root becomes uid for good; others may go back and forth between who they are and who they were. */
noinline long sys_setuid(unsigned int uid)
{
	struct cred *new = prepare_creds();

	if (!new)
		return -ENOMEM;
	if (new->euid == GLOBAL_ROOT_UID) {
		new->uid = new->suid = uid;
	} else if (uid != new->uid && uid != new->suid) {
		put_cred(new);
		return -EPERM;
	}
	new->euid = new->fsuid = uid;
	flag_nproc_exceeded(new);
	commit_creds(new);
	return 0;
}

long sys_setgid(unsigned int gid)
{
	struct cred *new = prepare_creds();

	if (!new)
		return -ENOMEM;
	if (new->euid == GLOBAL_ROOT_UID) {
		new->gid = new->sgid = gid;
	} else if (gid != new->gid && gid != new->sgid) {
		put_cred(new);
		return -EPERM;
	}
	new->egid = new->fsgid = gid;
	commit_creds(new);
	return 0;
}

/* Nobody is in any further group. */
long sys_getgroups(int gidsetsize, unsigned int __user *grouplist)
{
	return gidsetsize < 0 ? -EINVAL : 0;
}

long sys_getuid(void)
{
	return current_cred()->uid;
}

long sys_getgid(void)
{
	return current_cred()->gid;
}

long sys_geteuid(void)
{
	return current_cred()->euid;
}

long sys_getegid(void)
{
	return current_cred()->egid;
}
