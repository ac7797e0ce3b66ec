/*
 * A 32-bit program under a 64-bit kernel: code segment 0x23, pointers of four bytes, and two ways into the kernel. It
 * checks what it is told, and says in which segment it runs, once by each way.
 */
typedef unsigned int u32;

#define NR_EXIT		1
#define NR_FORK		2
#define NR_WRITE	4
#define NR_CLOSE	6
#define NR_EXECVE	11
#define NR_GETPID	20
#define NR_BRK		45
#define NR_WAIT4	114

#define AT_PHENT	4
#define AT_PAGESZ	6
#define AT_PLATFORM	15
#define AT_SYSINFO	32

#define EBADF		9
#define EFAULT		14
#define ENOSYS		38

long int80(long nr, long ebx, long ecx, long edx);
long sysenter(long nr, long ebx, long ecx, long edx);
int begin(u32 *stack);

u32 at_sysinfo;

static u32 length(const char *s)
{
	u32 n = 0;

	while (s[n])
		n++;
	return n;
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static void say(long (*call)(long, long, long, long), const char *text)
{
	call(NR_WRITE, 1, (long)text, length(text));
}

static u32 auxv_value(const u32 *stack, u32 type)
{
	const u32 *p = stack + 1 + stack[0] + 1;

	while (*p++)
		;
	for (; p[0]; p += 2)
		if (p[0] == type)
			return p[1];
	return 0;
}

#define CHECK(condition)		\
	do {				\
		if (!(condition))	\
			return __LINE__;\
	} while (0)

static int segments(void)
{
	u32 cs, ss, ds, es;

	asm volatile("movl %%cs, %0\n movl %%ss, %1\n movl %%ds, %2\n movl %%es, %3"
		     : "=r"(cs), "=r"(ss), "=r"(ds), "=r"(es));
	CHECK(cs == 0x23 && ss == 0x2b && ds == 0x2b && es == 0x2b);
	return 0;
}

static int calls(long (*call)(long, long, long, long))
{
	CHECK(call(NR_GETPID, 0, 0, 0) > 1);
	CHECK(call(NR_CLOSE, 77, 0, 0) == -EBADF);
	CHECK(call(NR_WRITE, 1, 0x10, 1) == -EFAULT);
	CHECK(call(5000, 0, 0, 0) == -ENOSYS);
	return 0;
}

static int heap(void)
{
	u32 end = int80(NR_BRK, 0, 0, 0);

	CHECK((u32)int80(NR_BRK, end + 8192, 0, 0) == end + 8192);
	*(volatile u32 *)(end + 4096) = 1;
	return 0;
}

/* Registers and stack are this program's own after another one ran, here a 64-bit one. */
static int fork_and_exec(void)
{
	static const char *const argv[] = { "echo", "from 32 bits to 64", 0 };
	int status = -1;
	long pid = int80(NR_FORK, 0, 0, 0);

	if (!pid) {
		int80(NR_EXECVE, (long)"/bin/echo", (long)argv, (long)(argv + 2));
		int80(NR_EXIT, 1, 0, 0);
	}
	CHECK(pid > 1 && sysenter(NR_WAIT4, pid, (long)&status, 0) == pid && status == 0);
	return segments();
}

int begin(u32 *stack)
{
	int failed;

	at_sysinfo = auxv_value(stack, AT_SYSINFO);
	CHECK(at_sysinfo && auxv_value(stack, AT_PAGESZ) == 4096 && auxv_value(stack, AT_PHENT) == 32);
	CHECK(same((const char *)auxv_value(stack, AT_PLATFORM), "i686") && stack[0] >= 1 && (u32)stack > 0xff000000);
	if ((failed = segments()) || (failed = calls(int80)) || (failed = calls(sysenter)) || (failed = heap()) ||
	    (failed = fork_and_exec()))
		return failed;
	say(int80, "hello32: cs = 0x23, by int $0x80\n");
	say(sysenter, "hello32: cs = 0x23, by sysenter\n");
	return 0;
}
