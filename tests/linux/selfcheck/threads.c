/* Threads in one address space: mutual exclusion, waiting, storage of their own. */
#include "check.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 8, TURNS = 5000 };

static void run_threads(void *(*function)(void *))
{
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        expect_equal("pthread_create()", pthread_create(&threads[i], NULL, function, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        expect_equal("pthread_join()", pthread_join(threads[i], NULL), 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int guarded;

static void *add_under_mutex(void *unused)
{
    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&mutex);
        int before = guarded;
        if (i % 500 == 0)
            usleep(100); /* others find it locked */
        guarded = before + 1;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

void check_threads_and_mutex(void)
{
    run_threads(add_under_mutex);
    expect_equal("the guarded count", guarded, THREADS * TURNS);
}

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void *wait_for_turn(void *number)
{
    int me = (int)(uintptr_t)number;

    for (int round = 0; round < 50; round++) {
        pthread_mutex_lock(&mutex);
        while (turn % THREADS != me)
            pthread_cond_wait(&changed, &mutex);
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

void check_threads_and_condition(void)
{
    run_threads(wait_for_turn);
    expect_equal("the turns", turn, THREADS * 50);
}

static _Thread_local uintptr_t own = 7;

static void *keep_own(void *number)
{
    expect_equal("a new thread's variable", own, 7);
    own = (uintptr_t)number;
    for (long long end = now() + 20 * MILLISECOND; now() < end;)
        expect_equal("the thread's variable", *(volatile uintptr_t *)&own, (uintptr_t)number);
    return NULL;
}

void check_thread_local_storage(void)
{
    run_threads(keep_own);
    expect_equal("the first thread's variable", own, 7);
}

static atomic_int total;

static void *add_atomically(void *unused)
{
    for (int i = 0; i < 20 * TURNS; i++)
        atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
    return unused;
}

void check_atomic_increments(void)
{
    run_threads(add_atomically);
    expect_equal("the total", total, THREADS * 20 * TURNS);
}

static atomic_int word;

static void *wake_later(void *unused)
{
    usleep(5000);
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL);
    return unused;
}

void check_futex_wakes(void)
{
    struct timespec shortly = {0, 2000000};
    pthread_t thread;

    expect_equal("a wait for another value", syscall(SYS_futex, &word, FUTEX_WAIT, 5, NULL), -1);
    expect_equal("errno", errno, EAGAIN);
    expect_equal("a wait with a limit", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &shortly), -1);
    expect_equal("errno", errno, ETIMEDOUT);
    expect_equal("pthread_create()", pthread_create(&thread, NULL, wake_later, NULL), 0);
    while (word == 0)
        syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL);
    pthread_join(thread, NULL);
}
