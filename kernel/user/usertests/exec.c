/* Tests of execve: what may be executed, what it gets, and what is refused before the old program is gone. */
#include "usertests.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MISC "/proc/sys/fs/binfmt_misc/"

static long exec(const char *path, const char *const *argv)
{
	return execve(path, argv, (const char *const *)environ);
}

static int exec_echo(void)
{
	const char *argv[] = { "echo", "an", "argument", NULL };

	exec("/bin/echo", argv);
	return 1;
}

static int exec_works(void)
{
	CHECK(status_of(exec_echo) == 0);
	return 0;
}

static int exec_script_child(void)
{
	const char *argv[] = { "script", NULL };

	exec("/bin/script", argv);
	return 1;
}

static int exec_script(void)
{
	CHECK(status_of(exec_script_child) == 0);
	return 0;
}

static int exec_errors(void)
{
	static char long_string[200000];
	const char *argv[] = { "x", NULL }, *bad_element[] = { (const char *)8, NULL };
	const char *too_long[] = { long_string, NULL };

	CHECK(exec("/bin/nothing", argv) == -ENOENT);
	CHECK(exec("", argv) == -ENOENT);
	CHECK(exec("/etc/motd", argv) == -EACCES);
	CHECK(exec("/bin", argv) == -EACCES);
	CHECK(exec("/bin/echo/x", argv) == -ENOTDIR);
	CHECK(exec((const char *)8, argv) == -EFAULT);
	CHECK(exec("/bin/echo", (const char *const *)8) == -EFAULT);
	CHECK(exec("/bin/echo", bad_element) == -EFAULT);
	CHECK(exec((const char *)0xffffffff81000000UL, argv) == -EFAULT);
	memset(long_string, 'x', sizeof(long_string) - 1);
	CHECK(exec("/bin/echo", too_long) == -E2BIG);
	CHECK(exec(long_string, argv) == -ENAMETOOLONG);
	return 0;
}

static int not_executable(void)
{
	const char *argv[] = { "x", NULL };

	CHECK(exec("/bin/notelf", argv) == -ENOEXEC);
	CHECK(exec("/bin/loop", argv) == -ELOOP);
	return 0;
}


/* The shells' fallback depends on it: a text without #! is theirs to run. */
static int script_lines(void)
{
	const char *argv[] = { "x", NULL };

	CHECK(exec("/bin/noshebang", argv) == -ENOEXEC);
	CHECK(exec("/bin/emptyshebang", argv) == -ENOEXEC);
	CHECK(exec("/bin/missing", argv) == -ENOENT);
	CHECK(exec("/bin/longpath", argv) == -ENOEXEC);
	return 0;
}

static int exec_longargument_child(void)
{
	const char *argv[] = { "x", NULL };

	return exec("/bin/longargument", argv) & 0xff;
}

/* A path within the first 256 bytes, an argument that goes beyond them: cut, not refused. */
static int script_argument_is_cut(void)
{
	CHECK(status_of(exec_longargument_child) == 0);
	return 0;
}

static int execveat_fd_child(void)
{
	const char *argv[] = { "echo", "by", "descriptor", NULL };
	int fd = open("/bin/echo", O_RDONLY, 0);

	return execveat(fd, "", argv, (const char *const *)environ, AT_EMPTY_PATH) & 0xff;
}

static int execveat_works(void)
{
	const char *argv[] = { "x", NULL }, *const *env = (const char *const *)environ;

	CHECK(status_of(execveat_fd_child) == 0);
	CHECK(execveat(AT_FDCWD, "/bin/echo", argv, env, 1) == -EINVAL);
	CHECK(execveat(AT_FDCWD, "", argv, env, 0) == -ENOENT);
	CHECK(execveat(77, "", argv, env, AT_EMPTY_PATH) == -EBADF);
	CHECK(execveat(STDIN_FILENO, "", argv, env, AT_EMPTY_PATH) == -EACCES);
	CHECK(execveat(77, "/bin/nothing", argv, env, 0) == -ENOENT);
	return 0;
}

static int null_argv_child(void)
{
	return execve("/bin/true", NULL, NULL) & 0xff;
}

/* Whoever reads argv[0] may rely on it. */
static int null_argv(void)
{
	CHECK(status_of(null_argv_child) == 0);
	return 0;
}

static int nproc_child(void)
{
	const char *argv[] = { "true", NULL };
	struct rlimit none = { 0, 0 }, one = { 1, 1 };

	CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
	CHECK(setuid(1000) == 0 && getuid() == 1000 && geteuid() == 1000);
	CHECK(setrlimit(RLIMIT_NPROC, &one) == -EPERM);
	CHECK(setuid(0) == -EPERM);
	CHECK(fork() == -EAGAIN);
	CHECK(exec("/bin/true", argv) == -EAGAIN);
	return 0;
}

/* setuid lets the limit be passed, execve finds out. */
static int nproc_limit(void)
{
	CHECK(status_of(nproc_child) == 0);
	return 0;
}

static int no_new_privs(void)
{
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0) == -EINVAL);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(status_of(exec_echo) == 0);
	return 0;
}

/* Strings may fill a quarter of the stack's limit, and 128 KiB each. */
static int argument_limits(void)
{
	static char big[100000];
	const char *argv[40] = { NULL };
	int i;

	memset(big, 'x', sizeof(big) - 1);
	for (i = 0; i < 30; i++)
		argv[i] = big;
	CHECK(exec("/bin/true", argv) == -E2BIG);
	argv[10] = NULL;
	CHECK(exec("/bin/nothing", argv) == -ENOENT);
	return 0;
}

enum {
	AT_NULL = 0, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7, AT_ENTRY = 9, AT_UID = 11,
	AT_PLATFORM = 15, AT_HWCAP = 16, AT_CLKTCK = 17, AT_SECURE = 23, AT_RANDOM = 25, AT_EXECFN = 31,
};

unsigned long auxv_value(unsigned long type)
{
	char **p = environ;
	unsigned long *pair;

	while (*p)
		p++;
	for (pair = (unsigned long *)(p + 1); pair[0]; pair += 2)
		if (pair[0] == type)
			return pair[1];
	return -1;
}

void _start(void);

static int auxiliary_vector(void)
{
	CHECK(auxv_value(AT_PAGESZ) == 4096 && auxv_value(AT_CLKTCK) == 100);
	CHECK(auxv_value(AT_ENTRY) == (unsigned long)_start && auxv_value(AT_BASE) == 0);
	CHECK(auxv_value(AT_PHENT) == 56 && auxv_value(AT_PHNUM) >= 3);
	CHECK(!memcmp((char *)auxv_value(AT_PHDR) - 64, "\177ELF", 4));
	CHECK(auxv_value(AT_UID) == 0 && auxv_value(AT_SECURE) == 0);
	CHECK(!strcmp((char *)auxv_value(AT_PLATFORM), "x86_64"));
	CHECK(!strcmp((char *)auxv_value(AT_EXECFN), "/bin/usertests"));
	CHECK(auxv_value(AT_RANDOM) > 4096 && auxv_value(AT_RANDOM) != (unsigned long)-1);
	CHECK(auxv_value(AT_HWCAP) & 1 << 26);
	return 0;
}

static long write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY, 0);
	long n;

	if (fd < 0)
		return fd;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (long)strlen(text) ? 0 : n;
}

static bool file_is(const char *path, const char *text)
{
	char buf[512] = { 0 };
	int fd = open(path, O_RDONLY, 0);

	if (fd < 0)
		return false;
	read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return !strcmp(buf, text);
}

static int exec_foo_child(void)
{
	const char *argv[] = { "hello.foo", "argument", NULL };

	return -exec("/bin/hello.foo", argv);
}

static int misc_extension(void)
{
	CHECK(status_of(exec_foo_child) == ENOEXEC << 8);
	CHECK(write_file(MISC "register", ":foo:E::foo::/bin/echo:") == 0);
	CHECK(file_is(MISC "foo", "enabled\ninterpreter /bin/echo\nflags: \nextension .foo\n"));
	CHECK(status_of(exec_foo_child) == 0);
	CHECK(write_file(MISC "foo", "0\n") == 0 && status_of(exec_foo_child) == ENOEXEC << 8);
	CHECK(write_file(MISC "foo", "1") == 0 && status_of(exec_foo_child) == 0);
	CHECK(write_file(MISC "status", "0") == 0 && file_is(MISC "status", "disabled\n"));
	CHECK(status_of(exec_foo_child) == ENOEXEC << 8);
	CHECK(write_file(MISC "status", "1") == 0 && file_is(MISC "status", "enabled\n"));
	CHECK(status_of(exec_foo_child) == 0);
	CHECK(write_file(MISC "register", ":foo:E::bar::/bin/echo:") == -EEXIST);
	CHECK(write_file(MISC "foo", "-1") == 0);
	CHECK(status_of(exec_foo_child) == ENOEXEC << 8 && open(MISC "foo", O_RDONLY, 0) == -ENOENT);
	return 0;
}

/* The file's bytes 4 to 6 are "foo"; the mask lets upper and lower case pass. */
static int misc_magic(void)
{
	CHECK(write_file(MISC "register", ":m:M:4:FOO:\\xdf\\xdf\\xdf:/bin/echo:POCF") == 0);
	CHECK(file_is(MISC "m", "enabled\ninterpreter /bin/echo\nflags: POCF\noffset 4\nmagic 464f4f\nmask dfdfdf\n"));
	CHECK(status_of(exec_foo_child) == 0);
	CHECK(write_file(MISC "status", "-1") == 0 && open(MISC "m", O_RDONLY, 0) == -ENOENT);
	return 0;
}

static int misc_refuses(void)
{
	static const char *const lines[] = {
		"nonsense and more", ":x:Z::foo::/bin/echo:", ":x:E::::/bin/echo:", ":x:E::fo/o::/bin/echo:",
		":register:E::foo::/bin/echo:", ":a/b:E::foo::/bin/echo:", ":x:M:250:0123456789::/bin/echo:",
		":x:M:0:ab:c:/bin/echo:", ":x:M:z:ab::/bin/echo:", ":x:E::foo:::", ":x:E::foo::/bin/echo:Z", "::E::foo::/bin/echo:",
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		CHECK(write_file(MISC "register", lines[i]) == -EINVAL);
	CHECK(write_file(MISC "register", ":x:E::foo::/bin/nothing:F") == -ENOENT);
	CHECK(write_file(MISC "status", "2") == -EINVAL);
	return 0;
}

const struct test exec_tests[] = {
	{ "exec_works", exec_works },
	{ "exec_script", exec_script },
	{ "exec_errors", exec_errors },
	{ "not_executable", not_executable },
	{ "script_lines", script_lines },
	{ "script_argument_is_cut", script_argument_is_cut },
	{ "execveat_works", execveat_works },
	{ "null_argv", null_argv },
	{ "nproc_limit", nproc_limit },
	{ "no_new_privs", no_new_privs },
	{ "argument_limits", argument_limits },
	{ "auxiliary_vector", auxiliary_vector },
	{ "misc_extension", misc_extension },
	{ "misc_magic", misc_magic },
	{ "misc_refuses", misc_refuses },
	{ NULL, NULL },
};
