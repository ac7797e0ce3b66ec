/* A shell: a line is a program and its arguments, looked for in /bin and /sbin, or a word of the shell itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE	256
#define MAX_WORDS	16

struct builtin {
	const char *name;
	const char *usage;
	void (*run)(const char *const *words);
};

static const struct builtin builtins[];

static void help(const char *const *words)
{
	const struct builtin *builtin;

	for (builtin = builtins; builtin->name; builtin++)
		printf("%-8s %s\n", builtin->name, builtin->usage);
	printf("Programs are in /bin and /sbin: ls /bin\n");
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY, 0);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("sh: cannot write %s\n", path);
	close(fd);
}

static void ps(const char *const *words)
{
	write_file("/proc/sysrq-trigger", "t");
}

static void write_words(const char *const *words)
{
	if (words[1] && words[2])
		write_file(words[1], words[2]);
	else
		printf("sh: write FILE TEXT\n");
}

static void dmesg(const char *const *words)
{
	static char log[1 << 15];
	long n = syslog(SYSLOG_ACTION_READ_ALL, log, sizeof(log));

	if (n > 0)
		write(STDOUT_FILENO, log, n);
}

static void power_off(const char *const *words)
{
	reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, NULL);
}

/* As task 1 there is nobody to go back to. */
static void leave(const char *const *words)
{
	if (getpid() == 1)
		power_off(words);
	exit_group(0);
}

static const struct builtin builtins[] = {
	{ "help", "this list", help },
	{ "ps", "tasks, in the kernel log", ps },
	{ "dmesg", "the kernel log", dmesg },
	{ "write", "FILE TEXT: as to /proc/sysrq-trigger or /sys/kernel/debug/provoke-crash/DIRECT", write_words },
	{ "exit", "leave the shell; init then powers off", leave },
	{ "poweroff", "end the machine", power_off },
	{ NULL, NULL, NULL },
};

static bool run_builtin(const char *const *words)
{
	const struct builtin *builtin;

	for (builtin = builtins; builtin->name; builtin++) {
		if (strcmp(builtin->name, words[0]))
			continue;
		builtin->run(words);
		return true;
	}
	return false;
}

/* In the child: returns only if there is no such program. */
static void exec_in_path(const char *const *words)
{
	static const char *const directories[] = { "", "/bin/", "/sbin/" };
	char path[LINE_SIZE + 8];
	size_t i;

	for (i = words[0][0] == '/' ? 0 : 1; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", directories[i], words[0]);
		if (execve(path, words, (const char *const *)environ) == -ENOEXEC)
			printf("sh: %s: cannot execute: Exec format error\n", path);
	}
}

static const char *signal_name(int signal)
{
	switch (signal) {
	case SIGILL:
		return "Illegal instruction";
	case SIGTRAP:
		return "Trace/breakpoint trap";
	case SIGBUS:
		return "Bus error";
	case SIGFPE:
		return "Floating point exception";
	case SIGKILL:
		return "Killed";
	case SIGSEGV:
		return "Segmentation fault";
	default:
		return "Unknown signal";
	}
}

static void run_program(const char *const *words)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		exec_in_path(words);
		printf("sh: %s: not found\n", words[0]);
		exit_group(127);
	}
	if (pid < 0)
		printf("sh: cannot fork (error %d)\n", pid);
	else if (wait4(pid, &status, 0, NULL) == pid && WTERMSIG(status))
		printf("%s\n", signal_name(WTERMSIG(status)));
}

/* Cut line into words; the list ends with NULL. */
static int split(char *line, const char **words)
{
	int n = 0;

	while (n < MAX_WORDS) {
		while (*line == ' ' || *line == '\t')
			*line++ = '\0';
		if (!*line)
			break;
		words[n++] = line;
		while (*line && *line != ' ' && *line != '\t')
			line++;
	}
	words[n] = NULL;
	return n;
}

/* One line without its newline; false at the end of input. */
static bool read_line(char *line)
{
	long n = read(STDIN_FILENO, line, LINE_SIZE - 1);

	if (n <= 0)
		return false;
	if (line[n - 1] == '\n')
		n--;
	line[n] = '\0';
	return true;
}

int main(void)
{
	char line[LINE_SIZE];
	const char *words[MAX_WORDS + 1];

	for (;;) {
		printf("# ");
		if (!read_line(line))
			leave(NULL);
		if (split(line, words) && !run_builtin(words))
			run_program(words);
	}
}
