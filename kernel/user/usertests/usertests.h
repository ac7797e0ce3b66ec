#ifndef USERTESTS_H
#define USERTESTS_H

#include <sys/types.h>

/* A test runs in a process of its own; it returns 0, or where it failed. */
struct test {
	const char *name;
	int (*fn)(void);
};

/* Each ends with a row without a name. */
extern const struct test boot_tests[];
extern const struct test process_tests[];
extern const struct test memory_tests[];
extern const struct test paging_tests[];
extern const struct test smaps_tests[];
extern const struct test swap_tests[];
extern const struct test mmap_tests[];
extern const struct test trap_tests[];
extern const struct test signal_tests[];
extern const struct test sigframe_tests[];
extern const struct test interruption_tests[];
extern const struct test terminal_tests[];
extern const struct test thread_tests[];
extern const struct test smp_tests[];
extern const struct test hostile_tests[];
extern const struct test softirq_tests[];
extern const struct test file_tests[];
extern const struct test sched_tests[];
extern const struct test exec_tests[];
extern const struct test tree_tests[];
extern const struct test pipe_tests[];
extern const struct test proc_tests[];
extern const struct test log_tests[];
extern const struct test harmful_tests[];
extern const struct test entry_tests[];

#define CHECK(condition)				\
	do {						\
		if (!(condition))			\
			return (__LINE__ & 0xff) ?: 1;	\
	} while (0)

/* Run fn in a child: its status as wait4 gives it, or -1. */
int status_of(int (*fn)(void));

/* proc.c: a file's whole text, with a terminator; its length or -errno. Where a word is in a text, or NULL. */
long slurp(const char *path, char *buf, long size);
const char *find_text(const char *in, const char *word);

/* What the kernel said in the auxiliary vector, or -1. */
unsigned long auxv_value(unsigned long type);

#endif
