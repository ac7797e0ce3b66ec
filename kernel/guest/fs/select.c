/*
 * Waiting for many files at once: poll, select and their kin (Linux: fs/select.c). The task is on the queue of
 * every file before it asks them, so that no wake_up between asking and sleeping is lost.
 */
#include <asm/irqflags.h>
#include <asm/uaccess.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include <linux/time.h>

#define DEFAULT_POLLMASK (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

void poll_wait(struct file *file, struct wait_queue_head *wq_head, poll_table *p)
{
	struct wait_queue_entry *entry;
	unsigned long flags;

	if (!p || p->nr == POLL_TABLE_ENTRIES)
		return;
	entry = &p->entries[p->nr++];
	entry->task = current;
	flags = local_irq_save();
	list_add_tail(&entry->entry, &wq_head->head);
	local_irq_restore(flags);
}

static void poll_freewait(poll_table *p)
{
	unsigned long flags = local_irq_save();
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		list_del_init(&p->entries[i].entry);
	local_irq_restore(flags);
	kfree(p);
}

static unsigned int vfs_poll(struct file *file, poll_table *p)
{
	return file->f_op->poll ? file->f_op->poll(file, p) : DEFAULT_POLLMASK;
}

/* What of its events a descriptor has; the file's reference is kept by the caller. */
static unsigned int do_pollfd(const struct pollfd *pollfd, struct file *file, poll_table *p)
{
	if (pollfd->fd < 0)
		return 0;
	if (!file)
		return POLLNVAL;
	return vfs_poll(file, p) & (pollfd->events | POLLERR | POLLHUP);
}

/* Ask each once; how many have something. */
static int scan(struct pollfd *fds, struct file **files, unsigned int nfds, poll_table *p)
{
	unsigned int i;
	int count = 0;

	for (i = 0; i < nfds; i++) {
		fds[i].revents = do_pollfd(&fds[i], files[i], p);
		count += !!fds[i].revents;
	}
	return count;
}

/* Sleep until one has something, a signal comes (-EINTR), or *timeout ticks are over: what is left of them. */
static noinline int do_poll(struct pollfd *fds, struct file **files, unsigned int nfds, long *timeout)
{
	poll_table *table = kzalloc(sizeof(*table)), *p = table;
	int count;

	if (!table)
		return -ENOMEM;
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		count = scan(fds, files, nfds, p);
		p = NULL;
		if (!count && signal_pending(current))
			count = -EINTR;
		if (count || !*timeout)
			break;
		*timeout = schedule_timeout(*timeout);
	}
	set_current_state(TASK_RUNNING);
	poll_freewait(table);
	return count;
}

/* The files of a list of descriptors, held while it is waited for. */
static int poll_files(struct pollfd *fds, unsigned int nfds, long *timeout)
{
	struct file **files = kzalloc(NR_OPEN_DEFAULT * sizeof(*files));
	unsigned int i;
	int count;

	if (!files)
		return -ENOMEM;
	for (i = 0; i < nfds; i++)
		files[i] = fds[i].fd < 0 ? NULL : fget(fds[i].fd);
	count = do_poll(fds, files, nfds, timeout);
	for (i = 0; i < nfds; i++)
		if (files[i])
			fput(files[i]);
	kfree(files);
	return count;
}

static long do_sys_poll(struct pollfd __user *ufds, unsigned int nfds, long *timeout)
{
	struct pollfd *fds;
	unsigned int i;
	long count;

	if (nfds > NR_OPEN_DEFAULT)
		return -EINVAL;
	fds = kzalloc(NR_OPEN_DEFAULT * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	count = copy_from_user(fds, ufds, nfds * sizeof(*fds)) ? -EFAULT : poll_files(fds, nfds, timeout);
	for (i = 0; count >= 0 && i < nfds; i++)
		if (put_user(fds[i].revents, &ufds[i].revents))
			count = -EFAULT;
	kfree(fds);
	return count;
}

long sys_poll(struct pollfd __user *ufds, unsigned int nfds, int timeout_msecs)
{
	long timeout = timeout_msecs < 0 ? MAX_SCHEDULE_TIMEOUT : ((long)timeout_msecs * HZ + 999) / 1000;

	return do_sys_poll(ufds, nfds, &timeout);
}

/* Ticks of a time spec of the user's, or -errno; none is for ever. */
static long ticks_of(const struct timespec __user *tsp)
{
	struct timespec ts;

	if (!tsp)
		return MAX_SCHEDULE_TIMEOUT;
	if (copy_from_user(&ts, tsp, sizeof(ts)))
		return -EFAULT;
	return timespec_valid(&ts) ? (long)timespec_to_jiffies(&ts) : -EINVAL;
}

static long tell_rest(struct timespec __user *tsp, long timeout, long ret)
{
	struct timespec rest = ns_to_timespec((u64)timeout * NSEC_PER_TICK);

	if (tsp)
		copy_to_user(tsp, &rest, sizeof(rest));	/* as in Linux: the answer counts more than this */
	return ret;
}

/* The mask that was there before comes back here, or after the handler that ended the wait. */
static long restore_mask(bool masked, long ret)
{
	if (masked && ret != -EINTR)
		restore_saved_sigmask();
	return ret;
}

long sys_ppoll(struct pollfd __user *ufds, unsigned int nfds, struct timespec __user *tsp,
	       const sigset_t __user *mask, size_t sigsetsize)
{
	long timeout = ticks_of(tsp), ret;

	if (timeout < 0)
		return timeout;
	ret = mask ? set_user_sigmask(mask, sigsetsize) : 0;
	if (ret)
		return ret;
	ret = do_sys_poll(ufds, nfds, &timeout);
	return tell_rest(tsp, timeout, restore_mask(mask, ret));
}

/* Of select's three sets: which of poll's events ask for a bit, and which answers set it (Linux: fs/select.c). */
static const struct select_set {
	short asks, answers;
} select_sets[] = {
	{ POLLIN | POLLRDNORM, POLLIN | POLLRDNORM | POLLHUP | POLLERR },
	{ POLLOUT | POLLWRNORM, POLLOUT | POLLWRNORM | POLLERR },
	{ POLLPRI, POLLPRI },
};

#define SETS ARRAY_SIZE(select_sets)

/* A descriptor's row of the three sets as poll's events. */
static short events_of(const u64 sets[SETS], unsigned int fd)
{
	short events = 0;
	size_t i;

	for (i = 0; i < SETS; i++)
		if (sets[i] >> fd & 1)
			events |= select_sets[i].asks;
	return events;
}

/* poll's answers as three sets; how many bits are set in them. -EBADF if a descriptor was none. */
static long answers_to_sets(const struct pollfd *fds, unsigned int nfds, u64 sets[SETS])
{
	u64 asked[SETS];
	long bits = 0;
	unsigned int i;
	size_t set;

	memcpy(asked, sets, sizeof(asked));
	memset(sets, 0, sizeof(asked));
	for (i = 0; i < nfds; i++) {
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
		for (set = 0; set < SETS; set++) {
			if (!(asked[set] >> fds[i].fd & 1) || !(fds[i].revents & select_sets[set].answers))
				continue;
			sets[set] |= 1UL << fds[i].fd;
			bits++;
		}
	}
	return bits;
}

static long do_select(int n, u64 sets[SETS], long *timeout)
{
	struct pollfd *fds = kzalloc(NR_OPEN_DEFAULT * sizeof(*fds));
	unsigned int nfds = 0;
	long ret;
	int fd;

	if (!fds)
		return -ENOMEM;
	for (fd = 0; fd < n; fd++) {
		short events = events_of(sets, fd);

		if (events)
			fds[nfds++] = (struct pollfd) { .fd = fd, .events = events };
	}
	ret = poll_files(fds, nfds, timeout);
	if (ret >= 0)
		ret = answers_to_sets(fds, nfds, sets);
	kfree(fds);
	return ret;
}

/* Sets of n bits in the user's memory, in longs. More bits than there can be descriptors are not looked at. */
static noinline long core_sys_select(int n, void __user *const user_sets[SETS], long *timeout)
{
	u64 sets[SETS] = { 0 };
	long ret;
	size_t i;

	if (n < 0)
		return -EINVAL;
	n = min(n, NR_OPEN_DEFAULT);
	for (i = 0; n && i < SETS; i++)
		if (user_sets[i] && copy_from_user(&sets[i], user_sets[i], sizeof(sets[i])))
			return -EFAULT;
	ret = do_select(n, sets, timeout);
	for (i = 0; ret >= 0 && n && i < SETS; i++)
		if (user_sets[i] && copy_to_user(user_sets[i], &sets[i], sizeof(sets[i])))
			return -EFAULT;
	return ret;
}

/* As timeval, with microseconds in place of nanoseconds. */
long sys_select(int n, void __user *inp, void __user *outp, void __user *exp, struct timespec __user *tvp)
{
	void __user *const sets[] = { inp, outp, exp };
	struct timespec tv, rest;
	long timeout = MAX_SCHEDULE_TIMEOUT, ret;

	if (tvp) {
		if (copy_from_user(&tv, tvp, sizeof(tv)))
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_nsec < 0)
			return -EINVAL;
		tv = (struct timespec) { tv.tv_sec + tv.tv_nsec / 1000000, tv.tv_nsec % 1000000 * 1000 };
		timeout = timespec_to_jiffies(&tv);
	}
	ret = core_sys_select(n, sets, &timeout);
	rest = ns_to_timespec((u64)timeout * NSEC_PER_TICK);
	rest.tv_nsec /= 1000;
	if (tvp)
		copy_to_user(tvp, &rest, sizeof(rest));
	return ret;
}

/* sig: a sigset_t's address and its size, since a call has no seventh argument. */
long sys_pselect6(int n, void __user *inp, void __user *outp, void __user *exp, struct timespec __user *tsp,
		  const void __user *sig)
{
	void __user *const sets[] = { inp, outp, exp };
	struct { const sigset_t __user *mask; size_t size; } pack = { 0 };
	long timeout = ticks_of(tsp), ret;

	if (timeout < 0)
		return timeout;
	if (sig && copy_from_user(&pack, sig, sizeof(pack)))
		return -EFAULT;
	ret = pack.mask ? set_user_sigmask(pack.mask, pack.size) : 0;
	if (ret)
		return ret;
	ret = core_sys_select(n, sets, &timeout);
	return tell_rest(tsp, timeout, restore_mask(pack.mask, ret));
}
