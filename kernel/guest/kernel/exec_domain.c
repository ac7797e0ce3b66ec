/* personality: how the kernel treats a program of another time or system (Linux: kernel/exec_domain.c). */
#include <linux/personality.h>
#include <linux/sched.h>
#include <linux/syscalls.h>

#define PER_ASK 0xffffffffU		/* sets nothing */

long sys_personality(unsigned int personality)
{
	unsigned int old = current->personality;

	if (personality != PER_ASK)
		current->personality = personality;
	return old;
}
