/* The command line: known parameters to the kernel, the rest to init, as Linux does. */
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/string.h>

#define MAX_INIT_ARGS	32
#define MAX_INIT_ENVS	32

const char *argv_init[MAX_INIT_ARGS + 2] = { "init", NULL };
const char *envp_init[MAX_INIT_ENVS + 2] = { "HOME=/", "TERM=linux", NULL };

extern const struct obs_kernel_param __setup_start[], __setup_end[];

static void __init append(const char **list, size_t limit, const char *word)
{
	size_t n = 0;

	while (list[n])
		n++;
	if (n == limit)
		panic("Too many boot parameters for init at `%s'", word);
	list[n] = word;
	list[n + 1] = NULL;
}

static bool __init known_parameter(char *word)
{
	const struct obs_kernel_param *p;

	for (p = __setup_start; p < __setup_end; p++) {
		size_t n = strlen(p->str);

		if (!strncmp(word, p->str, n) && (p->str[n - 1] == '=' || !word[n]))
			return p->setup_func(word + n);
	}
	return false;
}

/* NAME=VALUE goes to init's environment, any other word, and all after "--", to its arguments. */
static void __init unknown_parameter(const char *word)
{
	if (strchr(word, '='))
		append(envp_init, MAX_INIT_ENVS, word);
	else
		append(argv_init, MAX_INIT_ARGS, word);
}

/* The quotes around a word, or around the value in NAME="VALUE", are taken away; the last one may be missing. */
static void __init remove_quotes(char *word)
{
	char *value = *word != '"' && strchr(word, '=') ? strchr(word, '=') + 1 : word;
	size_t n = strlen(value);

	if (*value != '"')
		return;
	if (n > 1 && value[n - 1] == '"')
		value[n - 1] = '\0';
	memmove(value, value + 1, strlen(value));
}

/* Cut off the next word, which ends at a blank outside of quotes; NULL at the end (Linux: lib/cmdline.c). */
static char *__init next_arg(char **rest)
{
	char *word = *rest, *end;
	bool quoted = false;

	while (isspace(*word))
		word++;
	if (!*word)
		return NULL;
	for (end = word; *end && (quoted || !isspace(*end)); end++)
		quoted ^= *end == '"';
	*rest = *end ? end + 1 : end;
	*end = '\0';
	remove_quotes(word);
	return word;
}

/* Cut command_line, which must last, into words and give each to whom it concerns. */
void __init parse_args(char *command_line)
{
	bool for_init = false;
	char *word;

	while ((word = next_arg(&command_line))) {
		if (for_init)
			append(argv_init, MAX_INIT_ARGS, word);
		else if (!strcmp(word, "--"))
			for_init = true;
		else if (!known_parameter(word))
			unknown_parameter(word);
	}
}
