/*
 * Task 1. Says which code segment it runs in, lets the kernel start a helper of its own, runs what the command
 * line asks for, then a shell. The command line's unknown words are programs to run first; init_action=poweroff
 * leaves the shell out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Bits 0 and 1 of CS are the privilege level that the processor runs at. */
static unsigned int code_segment(void)
{
	unsigned int cs;

	asm("movl %%cs, %0" : "=r"(cs));
	return cs;
}

/* The kernel answers an event of the console by call_usermodehelper of /sbin/helper. */
static void trigger_uevent(void)
{
	int fd = open("/sys/class/tty/ttyS0/uevent", O_WRONLY, 0);

	if (fd >= 0) {
		write(fd, "add", 3);
		close(fd);
	}
}

/* Run a program to its end, in a session of its own with the console as its terminal; children of others that end meanwhile are laid to rest too. */
static void run(const char *path, char **envp)
{
	const char *argv[] = { path, NULL };
	int status = 0;
	pid_t pid = fork(), ended;

	if (pid == 0) {
		long err;

		setsid();
		ioctl(STDIN_FILENO, TIOCSCTTY, 1);
		err = execve(path, argv, (const char *const *)envp);

		printf("init: cannot run %s (error %ld)\n", path, err);
		exit(127);
	}
	do {
		ended = wait4(-1, &status, 0, NULL);
	} while (ended > 0 && ended != pid);
	printf("init: %s ended with status %#x\n", path, status);
}

int main(int argc, char **argv, char **envp)
{
	const char *action;

	printf("ucs = %#x\n", code_segment());
	trigger_uevent();
	for (argv++; --argc > 0; argv++)
		run(*argv, envp);
	action = getenv("init_action");
	if (!action || strcmp(action, "poweroff"))
		run("/bin/sh", envp);
	return reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, NULL);
}
