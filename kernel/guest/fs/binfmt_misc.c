/*
 * Formats that a user teaches the kernel, by a line written to /proc/sys/fs/binfmt_misc/register:
 *
 *	:name:type:offset:magic:mask:interpreter:flags
 *
 * The first character is what separates the fields. Type M knows a file by the bytes at offset, where mask has ones;
 * E by the extension of its name, which stands in magic's place. Flags: P keeps argv[0], O hands the file over as an
 * open descriptor (AT_EXECFD), C takes O's file for set-user-ID, F opens the interpreter at once.
 * (Linux: Documentation/admin-guide/binfmt-misc.rst, fs/binfmt_misc.c)
 */
#include <asm/uaccess.h>
#include <linux/binfmts.h>
#include <linux/binfmt_misc.h>
#include <linux/init.h>
#include <linux/string.h>

static LIST_HEAD(entries);

bool misc_enabled = true;

static bool matches_magic(const struct misc_node *e, const struct linux_binprm *bprm)
{
	int i;

	for (i = 0; i < e->size; i++)
		if ((bprm->buf[e->offset + i] ^ e->magic[i]) & (e->has_mask ? e->mask[i] : 0xff))
			return false;
	return true;
}

static bool matches_extension(const struct misc_node *e, const struct linux_binprm *bprm)
{
	const char *dot = strrchr(bprm->interp, '.');

	return dot && !strcmp(e->magic, dot + 1);
}

/* The first entry that knows the file. */
static struct misc_node *check_file(const struct linux_binprm *bprm)
{
	struct misc_node *e;

	list_for_each_entry(e, &entries, list)
		if (e->enabled && (e->is_magic ? matches_magic(e, bprm) : matches_extension(e, bprm)))
			return e;
	return NULL;
}

/* argv becomes INTERPRETER FILE argv[1] ..., or with P INTERPRETER FILE argv[0] argv[1] ... */
static int replace_arguments(struct linux_binprm *bprm, const struct misc_node *e)
{
	int retval = e->flags & MISC_FMT_PRESERVE_ARGV0 ? 0 : remove_arg_zero(bprm);

	if (!retval)
		retval = copy_string_kernel(bprm->interp, bprm);
	if (!retval)
		retval = copy_string_kernel(e->interpreter, bprm);
	bprm->argc += 2;
	return retval;
}

static noinline int load_misc_binary(struct linux_binprm *bprm)
{
	struct misc_node *e = misc_enabled ? check_file(bprm) : NULL;
	struct file *file;
	int retval;

	if (!e)
		return -ENOEXEC;
	retval = replace_arguments(bprm, e);
	if (!retval)
		retval = bprm_change_interp(e->interpreter, bprm);
	if (retval)
		return retval;
	file = e->interp_file ? get_file(e->interp_file) : open_exec(e->interpreter);
	if (IS_ERR(file))
		return PTR_ERR(file);
	bprm->interpreter = file;
	bprm->have_execfd |= !!(e->flags & MISC_FMT_OPEN_BINARY);
	bprm->execfd_creds |= !!(e->flags & MISC_FMT_CREDENTIALS);
	return 0;
}

void misc_free_node(struct misc_node *e)
{
	if (e->interp_file)
		fput(e->interp_file);
	kfree(e->interpreter);
	kfree(e);
}

/* Make an entry known, with a file of its own beside "register". Takes e over. */
int misc_add(struct misc_node *e)
{
	struct misc_node *other;
	int err = -EEXIST;

	list_for_each_entry(other, &entries, list)
		if (!strcmp(other->name, e->name))
			goto fail;
	if (e->flags & MISC_FMT_OPEN_FILE) {
		e->interp_file = open_exec(e->interpreter);
		err = PTR_ERR(e->interp_file);
		if (IS_ERR(e->interp_file)) {
			e->interp_file = NULL;
			goto fail;
		}
	}
	err = misc_create_file(e);
	if (err)
		goto fail;
	list_add_tail(&e->list, &entries);
	return 0;
fail:
	misc_free_node(e);
	return err;
}

void misc_kill_node(struct misc_node *e)
{
	list_del_init(&e->list);
	misc_remove_file(e);
	misc_free_node(e);
}

void misc_kill_all(void)
{
	struct misc_node *e, *next;

	list_for_each_entry_safe(e, next, &entries, list)
		misc_kill_node(e);
}

static struct linux_binfmt misc_format = {
	.name = "misc",
	.load_binary = load_misc_binary,
};

static int __init init_misc_binfmt(void)
{
	insert_binfmt(&misc_format);
	return 0;
}
core_initcall(init_misc_binfmt);
