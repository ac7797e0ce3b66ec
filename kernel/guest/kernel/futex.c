/*
 * A word of the user's memory that threads sleep on. The word itself is the program's affair: the kernel only keeps
 * who sleeps, and makes sure that nobody falls asleep after the word has changed (Linux: kernel/futex).
 */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/futex.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>

/* Which word: threads that share it share the memory it is in. */
struct futex_key {
	const struct mm_struct *mm;
	u32 __user *uaddr;
};

/* A sleeper, on its own stack; out of the list once it was woken. */
struct futex_q {
	struct list_head list;
	struct task_struct *task;
	struct futex_key key;
	u32 bitset;
};

static LIST_HEAD(futex_queue);

static bool match_futex(const struct futex_q *q, u32 __user *uaddr)
{
	return q->key.mm == current->mm && q->key.uaddr == uaddr;
}

static int get_futex_value(u32 *value, u32 __user *uaddr)
{
	if ((unsigned long)uaddr % sizeof(*uaddr))
		return -EINVAL;
	return get_user(*value, uaddr);
}

/* Ticks from now to the time of a clock. */
static long ticks_until(const struct timespec *ts, bool realtime)
{
	u64 now = realtime ? ktime_get_real() : local_clock();
	u64 then = (u64)ts->tv_sec >= ~0UL / NSEC_PER_SEC ? ~0UL >> 1 : ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec;
	struct timespec rest = ns_to_timespec(then > now ? then - now : 0);

	return timespec_to_jiffies(&rest);
}

/* Asleep until woken, or timeout, or a signal. The queue and the state are set before the word is looked at. */
static noinline int futex_wait(u32 __user *uaddr, u32 val, long timeout, u32 bitset)
{
	struct futex_q q = { .task = current, .key = { current->mm, uaddr }, .bitset = bitset };
	unsigned long flags;
	bool woken;
	u32 uval;
	int err = bitset ? get_futex_value(&uval, uaddr) : -EINVAL;

	if (err)
		return err;
	flags = local_irq_save();
	list_add_tail(&q.list, &futex_queue);
	err = get_futex_value(&uval, uaddr);
	if (!err && uval != val)
		err = -EAGAIN;
	while (!err && !list_empty(&q.list) && timeout > 0 && !signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		timeout = schedule_timeout(timeout);
	}
	woken = list_empty(&q.list);
	list_del_init(&q.list);
	local_irq_restore(flags);
	if (err)
		return err;
	return woken ? 0 : timeout > 0 ? -ERESTARTSYS : -ETIMEDOUT;
}

static void wake_futex(struct futex_q *q)
{
	list_del_init(&q->list);
	wake_up_process(q->task);
}

/* Wake up to nr_wake sleepers, and let up to nr_requeue others sleep on another word. How many that were. */
static int wake_and_requeue(u32 __user *uaddr, int nr_wake, u32 bitset, u32 __user *uaddr2, int nr_requeue)
{
	unsigned long flags = local_irq_save();
	struct futex_q *q, *next;
	int woken = 0, moved = 0;

	list_for_each_entry_safe(q, next, &futex_queue, list) {
		if (!match_futex(q, uaddr) || !(q->bitset & bitset))
			continue;
		if (woken < nr_wake) {
			wake_futex(q);
			woken++;
		} else if (moved < nr_requeue) {
			q->key.uaddr = uaddr2;
			moved++;
		} else {
			break;
		}
	}
	local_irq_restore(flags);
	return woken + moved;
}

noinline int futex_wake(u32 __user *uaddr, int nr_wake)
{
	return wake_and_requeue(uaddr, nr_wake, FUTEX_BITSET_MATCH_ANY, NULL, 0);
}

static int futex_requeue(u32 __user *uaddr, int nr_wake, u32 __user *uaddr2, int nr_requeue, const u32 *expected)
{
	u32 uval;
	int err = get_futex_value(&uval, uaddr);

	if (err)
		return err;
	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	if (expected && uval != *expected)
		return -EAGAIN;
	return wake_and_requeue(uaddr, nr_wake, FUTEX_BITSET_MATCH_ANY, uaddr2, nr_requeue);
}

/* FUTEX_WAIT's time is a span, FUTEX_WAIT_BITSET's a point of a clock. */
static long futex_timeout(int op, const struct timespec __user *utime)
{
	struct timespec ts;

	if (!utime)
		return MAX_SCHEDULE_TIMEOUT;
	if (copy_from_user(&ts, utime, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
		return timespec_to_jiffies(&ts);
	return ticks_until(&ts, op & FUTEX_CLOCK_REALTIME);
}

noinline long sys_futex(u32 __user *uaddr, int op, u32 val, const struct timespec __user *utime, u32 __user *uaddr2,
			u32 val3)
{
	long timeout;

	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		timeout = futex_timeout(op, utime);
		if (timeout < 0)
			return timeout;
		return futex_wait(uaddr, val, timeout,
				  (op & FUTEX_CMD_MASK) == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : val3);
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		if ((unsigned long)uaddr % sizeof(*uaddr))
			return -EINVAL;
		return wake_and_requeue(uaddr, val, op & 8 ? val3 : FUTEX_BITSET_MATCH_ANY, NULL, 0);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, val, uaddr2, (long)utime, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, val, uaddr2, (long)utime, &val3);
	default:
		return -ENOSYS;
	}
}

/* Locks that a thread holds when it dies: a list in its own memory, each with its word at a common offset. */
struct robust_list_head {
	unsigned long next;
	long futex_offset;
	unsigned long list_op_pending;
};

#define ROBUST_LIST_LIMIT 2048

/* Mark the word so that the next who takes it knows, and wake one who waits. */
static void handle_futex_death(u32 __user *uaddr)
{
	u32 uval;

	if ((unsigned long)uaddr % sizeof(*uaddr) || get_user(uval, uaddr) ||
	    (uval & FUTEX_TID_MASK) != (u32)current->pid)
		return;
	if (!put_user((uval & (u32)FUTEX_WAITERS) | FUTEX_OWNER_DIED, uaddr) && (uval & (u32)FUTEX_WAITERS))
		futex_wake(uaddr, 1);
}

/* Called as the task leaves its memory. The list is the program's: it may be broken, or lead round in a circle. */
void exit_robust_list(void)
{
	struct robust_list_head head;
	unsigned long entry, start = (unsigned long)current->robust_list;
	int limit = ROBUST_LIST_LIMIT;

	current->robust_list = NULL;
	if (!start || copy_from_user(&head, (void __user *)start, sizeof(head)))
		return;
	entry = head.next;
	while (entry != start && limit--) {
		unsigned long next;

		if (get_user(next, (unsigned long __user *)entry))
			return;
		if (entry != head.list_op_pending)
			handle_futex_death((u32 __user *)(entry + head.futex_offset));
		entry = next;
	}
	if (head.list_op_pending)
		handle_futex_death((u32 __user *)(head.list_op_pending + head.futex_offset));
}

long sys_set_robust_list(void __user *head, size_t len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

long sys_get_robust_list(int pid, void __user **head_ptr, size_t __user *len_ptr)
{
	struct task_struct *p = pid ? find_task_by_vpid(pid) : current;

	if (!p)
		return -ESRCH;
	if (put_user(sizeof(struct robust_list_head), len_ptr) || put_user(p->robust_list, head_ptr))
		return -EFAULT;
	return 0;
}
