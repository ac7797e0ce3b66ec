#ifndef _LINUX_BINFMT_MISC_H
#define _LINUX_BINFMT_MISC_H

#include <linux/binfmts.h>

#define MISC_FMT_PRESERVE_ARGV0	1
#define MISC_FMT_OPEN_BINARY	2
#define MISC_FMT_CREDENTIALS	4
#define MISC_FMT_OPEN_FILE	8

#define MISC_REGISTER_LENGTH	1920
#define MISC_NAME_MAX		63
#define MISC_MAGIC_MAX		BINPRM_BUF_SIZE

/* One registered format. */
struct misc_node {
	struct list_head list;
	bool enabled;
	bool is_magic;			/* M; else E */
	bool has_mask;
	unsigned int flags;
	int offset, size;		/* of magic, in bytes */
	char name[MISC_NAME_MAX + 1];
	char magic[MISC_MAGIC_MAX + 1];	/* or the extension */
	char mask[MISC_MAGIC_MAX];
	char *interpreter;
	struct file *interp_file;	/* F: opened when it was registered */
	struct dentry *dentry;		/* its file below /proc/sys/fs/binfmt_misc */
};

/* binfmt_misc.c */
extern bool misc_enabled;
void misc_free_node(struct misc_node *e);
int misc_add(struct misc_node *e);
void misc_kill_node(struct misc_node *e);
void misc_kill_all(void);

/* binfmt_misc_files.c */
int misc_create_file(struct misc_node *e);
void misc_remove_file(struct misc_node *e);

#endif
