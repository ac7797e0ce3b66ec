/* A shell: a line is a program and its arguments, looked for in /bin and /sbin, or a word of the shell itself. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_SIZE	256
#define MAX_WORDS	16

struct builtin {
	const char *name;
	const char *usage;
	void (*run)(const char *const *words);
};

static const struct builtin builtins[];

/* The job that Ctrl-Z has stopped last; 0 for none. */
static pid_t stopped_job;

static void foreground(const char *const *words);

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
	{ "fg", "go on with the program that Ctrl-Z has stopped", foreground },
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
	static const char *const names[] = {
		[SIGHUP] = "Hangup", [SIGQUIT] = "Quit", [SIGILL] = "Illegal instruction",
		[SIGTRAP] = "Trace/breakpoint trap", [SIGABRT] = "Aborted", [SIGBUS] = "Bus error",
		[SIGFPE] = "Floating point exception", [SIGKILL] = "Killed", [SIGSEGV] = "Segmentation fault",
		[SIGPIPE] = "Broken pipe", [SIGALRM] = "Alarm clock", [SIGTERM] = "Terminated",
	};

	if (signal >= (int)(sizeof(names) / sizeof(names[0])) || !names[signal])
		return "Unknown signal";
	return names[signal];
}

/* The group that the terminal's keys are for. */
static void to_foreground(pid_t group)
{
	ioctl(STDIN_FILENO, TIOCSPGRP, (long)&group);
}

static void signals_of_the_keyboard(void (*handler)(int))
{
	signal(SIGINT, handler);
	signal(SIGQUIT, handler);
	signal(SIGTSTP, handler);
	signal(SIGTTOU, handler);
}

/* Wait until the job ends or stops, then take the terminal back. */
static void wait_for_job(pid_t pid)
{
	int status = 0;
	bool there = wait4(pid, &status, WUNTRACED, NULL) == pid;

	to_foreground(getpgrp());
	if (there && WIFSTOPPED(status)) {
		stopped_job = pid;
		printf("Stopped: fg goes on\n");
	} else if (there && WTERMSIG(status) == SIGINT) {
		printf("\n");
	} else if (there && WTERMSIG(status)) {
		printf("%s\n", signal_name(WTERMSIG(status)));
	}
}

static void foreground(const char *const *words)
{
	pid_t pid = stopped_job;

	stopped_job = 0;
	if (!pid) {
		printf("sh: no job is stopped\n");
		return;
	}
	to_foreground(pid);
	kill(-pid, SIGCONT);
	wait_for_job(pid);
}

/* Each program is a job: a group of its own, in the foreground. Both sides say so, since either may be first. */
static void run_program(const char *const *words)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		to_foreground(getpid());
		signals_of_the_keyboard(SIG_DFL);
		exec_in_path(words);
		printf("sh: %s: not found\n", words[0]);
		exit_group(127);
	}
	if (pid < 0) {
		printf("sh: cannot fork (error %d)\n", pid);
		return;
	}
	setpgid(pid, pid);
	to_foreground(pid);
	wait_for_job(pid);
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

	signals_of_the_keyboard(SIG_IGN);
	for (;;) {
		printf("# ");
		if (!read_line(line))
			leave(NULL);
		if (split(line, words) && !run_builtin(words))
			run_program(words);
	}
}
