/*
 * System calls with random numbers and arguments, in children that an alarm ends: fuzz=SEED and rounds=N in the
 * environment choose which and how many. Says how many calls were made, how many children ended by a signal, and
 * whether the kernel has as much memory free as before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signal.h>
#include <sys/sysinfo.h>
#include <syscall.h>
#include <unistd.h>

#define CALLS_PER_CHILD 100

static unsigned long state;

/* SplitMix64. */
static unsigned long next(void)
{
	unsigned long z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/*
 * What would end the machine, or the program that judges. A process that shares its memory with its maker runs wild
 * through the code of both: as root it could kill anyone.
 */
static bool is_spared(long nr, bool is_root)
{
	static const long spared[] = {
		__NR_clone, __NR_vfork,	/* for root alone */
		__NR_reboot, __NR_kill, __NR_tkill, __NR_tgkill, __NR_rt_sigqueueinfo, __NR_rt_tgsigqueueinfo,
		__NR_exit, __NR_exit_group, __NR_setitimer, __NR_alarm, __NR_rt_sigprocmask, __NR_rt_sigaction,
	};
	size_t i;

	for (i = is_root ? 0 : 2; i < sizeof(spared) / sizeof(spared[0]); i++)
		if (nr == spared[i])
			return true;
	return false;
}

static char memory[4 * 4096] __attribute__((__aligned__(4096)));

static const char *const paths[] = {
	"x", "y", "dir", "dir/x", ".", "..", "", "/dev/null", "/dev/zero", "/proc/self/maps", "/proc/self/fd/0",
	"/proc/self/exe", "/proc/1/status", "/bin/true", "/nothing/at/all",
};

static unsigned long argument(void)
{
	unsigned long r = next();

	switch (r >> 8 & 15) {
	case 0:
		return 0;
	case 1:
		return -(r >> 32 & 0xff);
	case 2:
		return 1UL << (r >> 16 & 63);
	case 3:
		return 0xffffffff81000000UL + (r >> 32 & 0xfffff);
	case 4:
		return 0xffff888000000000UL + (r >> 32);
	case 5:
		return 0x7ffffffff000UL - (r >> 32 & 0xf);
	case 6:
		return r;
	case 7:
		return (unsigned long)memory + sizeof(memory) - (r >> 32 & 0xf);
	case 8:
	case 9:
		return (unsigned long)memory + (r >> 32 & 0x1fff);
	case 10:
	case 11:
		return (unsigned long)paths[(r >> 32) % (sizeof(paths) / sizeof(paths[0]))];
	default:
		return r >> 32 & 0x1f;
	}
}

/* 0: it has made its calls. Every other child is not root. */
static int child(unsigned long seed)
{
	bool is_root = seed % 2;
	int i;

	state = seed;
	setsid();
	if (!is_root && (setgid(1000) || setuid(1000)))
		return 1;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	alarm(1);
	for (i = 0; i < CALLS_PER_CHILD; i++) {
		long nr = next() % 460;

		if (is_spared(nr, is_root))
			continue;
		syscall6(nr, argument(), argument(), argument(), argument(), argument(), argument());
	}
	return 0;
}

static long number(const char *name, long otherwise)
{
	const char *value = getenv(name);

	return value ? atol(value) : otherwise;
}

/*
 * Whoever sleeps with the alarm blocked is killed. Children of children may still be there then, by now init's: all go
 * but init and this.
 */
static void reap(pid_t pid, int *status)
{
	struct timespec while_ = { 0, 20000000 };
	int patience = 60;

	while (patience-- && !wait4(pid, status, WNOHANG, NULL))
		nanosleep(&while_, NULL);
	do {
		kill(-1, SIGKILL);
		nanosleep(&while_, NULL);
	} while (wait4(-1, NULL, WNOHANG, NULL) >= 0);
}

static long round_of(unsigned long seed)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		exit_group(child(seed));
	reap(pid, &status);
	return WTERMSIG(status) != 0;
}

static unsigned long free_memory(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return info.freeram * info.mem_unit;
}

int main(void)
{
	long rounds = number("rounds", 20), killed = 0, i;
	unsigned long seed = number("fuzz", 1), before = 0;

	mkdir("/tmp", 0777);
	mkdir("/tmp/fuzz", 0777);
	for (i = 0; i <= rounds; i++) {
		mount("none", "/tmp/fuzz", "tmpfs", 0, NULL);
		chdir("/tmp/fuzz");
		chmod(".", 0777);
		mkdir("dir", 0777);
		killed += round_of(seed * 1000 + i);
		chdir("/");
		if (umount2("/tmp/fuzz", 0))
			printf("fuzz: /tmp/fuzz is still in use after round %ld\n", i);
		if (i == rounds / 3)
			before = free_memory();	/* by now the kernel has what it keeps */
	}
	printf("fuzz: %ld calls, %ld of %ld children killed, %ld bytes lost\n", (rounds + 1) * CALLS_PER_CHILD, killed,
	       rounds + 1, (long)(before - free_memory()));
	return 0;
}
