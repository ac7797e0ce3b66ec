/* "#!INTERPRETER [ARGUMENT]": run INTERPRETER ARGUMENT FILE and the rest of the arguments. */
#include <linux/binfmts.h>
#include <linux/init.h>
#include <linux/string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* Cut the first line of buf in two words; the second may be missing, and may hold blanks. */
static char *parse_line(char *buf, char **argument)
{
	char *end = strchr(buf, '\n'), *name, *p;

	if (!end)
		return NULL;
	while (end > buf + 2 && is_blank(end[-1]))
		end--;
	*end = '\0';
	name = skip_blanks(buf + 2);
	for (p = name; *p && !is_blank(*p); p++)
		;
	*argument = NULL;
	if (*p) {
		*p++ = '\0';
		*argument = skip_blanks(p);
	}
	return *name ? name : NULL;
}

static int replace_arguments(struct linux_binprm *bprm, const char *name, const char *argument)
{
	const char *words[] = { name, argument, bprm->interp };
	const char *const *argv = words;
	int argc = ARRAY_SIZE(words), retval = remove_arg_zero(bprm);

	if (!argument) {
		words[1] = name;
		argv++;
		argc--;
	}
	if (!retval)
		retval = copy_strings_kernel(argc, argv, bprm);
	if (!retval)
		bprm->argc += argc;
	return retval;
}

/* Go round again with the interpreter as the file. */
static int load_script(struct linux_binprm *bprm, struct pt_regs *regs)
{
	char line[BINPRM_BUF_SIZE], *argument, *name;
	struct file *file;
	int retval;

	if (bprm->buf[0] != '#' || bprm->buf[1] != '!')
		return -ENOEXEC;
	memcpy(line, bprm->buf, sizeof(line));
	line[sizeof(line) - 1] = '\0';
	name = parse_line(line, &argument);
	if (!name)
		return -ENOEXEC;
	retval = replace_arguments(bprm, name, argument);
	if (retval)
		return retval;
	file = open_exec(name);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fput(bprm->file);
	bprm->file = file;
	kfree(bprm->interp);
	bprm->interp = kstrdup(name);
	if (!bprm->interp)
		return -ENOMEM;
	bprm->depth++;
	retval = prepare_binprm(bprm);
	return retval ? retval : search_binary_handler(bprm, regs);
}

static struct linux_binfmt script_format = {
	.load_binary = load_script,
};

static int __init init_script_binfmt(void)
{
	register_binfmt(&script_format);
	return 0;
}
core_initcall(init_script_binfmt);
