/* Two threads of one process: each says who it is; the first waits, on words that the kernel clears, for both. */
#include <sched.h>
#include <stdio.h>

static char stacks[2][8192] __attribute__((__aligned__(16)));
static volatile int tids[2];

static int says(void *arg)
{
	printf("threads: thread %d of process %d\n", (int)gettid(), (int)getpid());
	return 0;
}

int main(void)
{
	int i;

	for (i = 0; i < 2; i++)
		thread_create(THREAD_FLAGS, stacks[i] + sizeof(stacks[i]), (int *)&tids[i], NULL, says, NULL);
	for (i = 0; i < 2; i++)
		thread_join(&tids[i]);
	printf("threads: all are gone\n");
	return 0;
}
