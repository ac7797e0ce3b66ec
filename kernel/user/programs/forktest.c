/* Three children that run at once, each in its own memory, ended by the parent's wait. */
#include <stdio.h>
#include <unistd.h>

#define CHILDREN 3

int main(void)
{
	int mine = 0, i, status;
	pid_t pid;

	for (i = 1; i <= CHILDREN; i++) {
		pid = fork();
		if (pid == 0) {
			mine += i;
			sched_yield();
			return mine;
		}
		printf("forktest: child %d has pid %d\n", i, pid);
	}
	while ((pid = wait4(-1, &status, 0, NULL)) > 0)
		printf("forktest: pid %d ended with %d\n", pid, WEXITSTATUS(status));
	return mine;
}
