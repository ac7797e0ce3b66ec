/*
 * "#!INTERPRETER [ARGUMENT]": run INTERPRETER ARGUMENT FILE and the rest of the arguments. All that is seen of the
 * line are the file's first BINPRM_BUF_SIZE bytes: a longer argument is cut there, a longer path is refused.
 */
#include <linux/binfmts.h>
#include <linux/init.h>
#include <linux/string.h>

static bool spacetab(char c)
{
	return c == ' ' || c == '\t';
}

static char *next_non_spacetab(char *first, const char *last)
{
	for (; first <= last; first++)
		if (!spacetab(*first))
			return first;
	return NULL;
}

static char *next_terminator(char *first, const char *last)
{
	for (; first <= last; first++)
		if (spacetab(*first) || !*first)
			return first;
	return NULL;
}

/* Where the line ends in the buffer of which last is the last byte; NULL if the interpreter's path goes on. */
static char *line_end(char *buf, char *last)
{
	char *end = strchr(buf, '\n'), *name;

	if (end)
		return end;
	name = next_non_spacetab(buf + 2, last);
	return name && next_terminator(name, last) ? last : NULL;
}

/* Cut the line in two words; the second may be missing, and may hold blanks. -ENOEXEC if there is no first. */
static int parse_line(char *buf, char **name, char **argument)
{
	char *end = line_end(buf, buf + BINPRM_BUF_SIZE - 1), *separator;

	if (!end)
		return -ENOEXEC;
	while (spacetab(end[-1]))
		end--;
	*name = next_non_spacetab(buf + 2, end);
	if (!*name || *name == end)
		return -ENOEXEC;
	*end = '\0';
	separator = next_terminator(*name, end);
	*argument = separator && *separator ? next_non_spacetab(separator, end) : NULL;
	if (separator)
		*separator = '\0';
	return 0;
}

/* argv becomes INTERPRETER [ARGUMENT] FILE argv[1] ...: last string first. */
static int replace_arguments(struct linux_binprm *bprm, const char *name, const char *argument)
{
	int retval = remove_arg_zero(bprm);

	if (!retval)
		retval = copy_string_kernel(bprm->interp, bprm);
	if (!retval && argument)
		retval = copy_string_kernel(argument, bprm);
	if (!retval)
		retval = copy_string_kernel(name, bprm);
	bprm->argc += argument ? 3 : 2;
	return retval;
}

/* Go round again with the interpreter as the file: exec_binprm sees to it. */
static noinline int load_script(struct linux_binprm *bprm)
{
	char *argument, *name;
	struct file *file;
	int retval;

	if (bprm->buf[0] != '#' || bprm->buf[1] != '!')
		return -ENOEXEC;
	retval = parse_line(bprm->buf, &name, &argument);
	if (!retval)
		retval = replace_arguments(bprm, name, argument);
	if (!retval)
		retval = bprm_change_interp(name, bprm);
	if (retval)
		return retval;
	file = open_exec(name);
	if (IS_ERR(file))
		return PTR_ERR(file);
	bprm->interpreter = file;
	return 0;
}

static struct linux_binfmt script_format = {
	.name = "script",
	.load_binary = load_script,
};

static int __init init_script_binfmt(void)
{
	register_binfmt(&script_format);
	return 0;
}
core_initcall(init_script_binfmt);
