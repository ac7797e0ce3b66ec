#ifndef _LINUX_CRED_H
#define _LINUX_CRED_H

#include <linux/types.h>

typedef u32 kuid_t;
typedef u32 kgid_t;

#define GLOBAL_ROOT_UID 0

/* Who a task is. Shared by copies of the pointer; changed by making a new one. */
struct cred {
	unsigned int usage;
	kuid_t uid, suid, euid, fsuid;	/* real, saved, effective, for files */
	kgid_t gid, sgid, egid, fsgid;
};

extern struct cred init_cred;

#define current_cred() (current->cred)

struct cred *prepare_creds(void);
struct cred *prepare_exec_creds(void);
struct cred *get_cred(struct cred *cred);
void put_cred(struct cred *cred);
void commit_creds(struct cred *new);

/* Does the user own more processes than RLIMIT_NPROC lets it? */
bool is_nproc_overlimit(kuid_t uid);

#endif
