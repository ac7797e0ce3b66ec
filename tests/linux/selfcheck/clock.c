/* Time: that it goes on, how fast, and what it interrupts. */
#include "check.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long nanoseconds(struct timespec time)
{
    return time.tv_sec * 1000 * MILLISECOND + time.tv_nsec;
}

static long long read_clock(clockid_t clock)
{
    struct timespec time;

    expect(clock_gettime(clock, &time) == 0, "clock_gettime(%d) failed", clock);
    return nanoseconds(time);
}

long long now(void) { return read_clock(CLOCK_MONOTONIC); }

/* None too short, and one of them not too long: on a busy host some are. */
void check_sleep_is_accurate(void)
{
    long long shortest = 1000 * MILLISECOND;

    for (int i = 0; i < 5; i++) {
        struct timespec fifty = {0, 50 * MILLISECOND};
        long long start = now();
        expect(nanosleep(&fifty, NULL) == 0, "nanosleep failed");
        long long slept = now() - start;
        expect(slept >= 50 * MILLISECOND, "50 ms took %lld us", slept / 1000);
        shortest = slept < shortest ? slept : shortest;
    }
    expect(shortest < 60 * MILLISECOND, "50 ms took %lld us", shortest / 1000);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    alarms++;
}

static void start_timer(int which, int signal, int microseconds)
{
    struct itimerval every = {{0, microseconds}, {0, microseconds}};

    handle(signal, count_alarm, SA_RESTART);
    expect(setitimer(which, &every, NULL) == 0, "setitimer failed");
}

void check_alarm_preempts(void)
{
    start_timer(ITIMER_REAL, SIGALRM, 10000);
    while (alarms < 10)
        __asm__ volatile("pause"); /* nothing but the handler ends this */
}

void check_interval_timer(void)
{
    long long start = now();

    start_timer(ITIMER_REAL, SIGALRM, 20000);
    while (alarms < 10)
        pause();
    long long took = now() - start;
    expect(took >= 199 * MILLISECOND && took < 2000 * MILLISECOND, "10 times 20 ms took %lld us", took / 1000);
}

void check_virtual_timer(void)
{
    start_timer(ITIMER_VIRTUAL, SIGVTALRM, 20000);
    usleep(100000);
    expect_equal("ticks of a sleeping process", alarms, 0);
    long long start = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    while (alarms < 3)
        __asm__ volatile("pause");
    long long took = read_clock(CLOCK_PROCESS_CPUTIME_ID) - start;
    expect(took > 40 * MILLISECOND && took < 500 * MILLISECOND, "3 times 20 ms took %lld us", took / 1000);
}

void check_timer_descriptor(void)
{
    struct itimerspec every = {{0, 5 * MILLISECOND}, {0, 5 * MILLISECOND}};
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    uint64_t expired, total = 0;
    long long start = now();

    expect(timer >= 0 && timerfd_settime(timer, 0, &every, NULL) == 0, "timerfd failed: errno %d", errno);
    while (total < 20) {
        expect(read(timer, &expired, sizeof expired) == sizeof expired, "read failed");
        total += expired;
    }
    expect(now() - start >= 100 * MILLISECOND, "20 times 5 ms took %lld us", (now() - start) / 1000);
}

enum { SHARING = 3 };

static void count_turns(void *slot)
{
    for (;;)
        ++*(volatile uint64_t *)slot;
}

void check_busy_processes_share(void)
{
    uint64_t(*slots)[8] = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
    pid_t children[SHARING];

    for (int i = 0; i < SHARING; i++)
        children[i] = spawn(count_turns, slots[i]);
    usleep(300000);
    for (int i = 0; i < SHARING; i++) {
        kill(children[i], SIGKILL);
        status_of(children[i]);
    }
    uint64_t least = slots[0][0], most = least;
    for (int i = 1; i < SHARING; i++) {
        least = slots[i][0] < least ? slots[i][0] : least;
        most = slots[i][0] > most ? slots[i][0] : most;
    }
    expect(least > 0 && most / least < 4, "turns from %lu to %lu", least, most);
}

static uint64_t rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence\nrdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static uint64_t rdtscp(void)
{
    uint32_t low, high, processor;

    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(processor));
    return (uint64_t)high << 32 | low;
}

void check_time_stamp_counter(void)
{
    uint64_t last = rdtsc();

    for (int i = 0; i < 20000; i++) {
        uint64_t next = i % 2 ? rdtscp() : rdtsc();
        expect(next > last, "%lu after %lu", next, last);
        last = next;
    }
}

void check_vdso_clock(void)
{
    static const clockid_t CLOCKS[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW};
    struct timespec by_kernel;

    expect(getauxval(AT_SYSINFO_EHDR) != 0, "the kernel gave no vdso");
    for (size_t clock = 0; clock < length_of(CLOCKS); clock++) {
        long long last = read_clock(CLOCKS[clock]);
        for (int i = 0; i < 5000; i++) {
            long long next = read_clock(CLOCKS[clock]);
            expect(next >= last, "clock %d went from %lld to %lld", CLOCKS[clock], last, next);
            last = next;
        }
        syscall(SYS_clock_gettime, CLOCKS[clock], &by_kernel);
        long long ahead = nanoseconds(by_kernel) - last;
        expect(ahead >= 0 && ahead < 1000 * MILLISECOND, "the kernel's clock is %lld ns ahead of the vdso's", ahead);
    }
}

static volatile sig_atomic_t received;

static void count_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    received++;
}

static void send_many(void *unused)
{
    union sigval value = {0};

    (void)unused;
    for (int i = 0; i < 500; i++)
        while (sigqueue(getppid(), SIGRTMIN + i % 4, value) != 0 && errno == EAGAIN)
            usleep(100); /* its queue is full */
}

/* Signals from two children and a timer while this process computes; each real-time signal must arrive once. */
void check_signal_storm(void)
{
    for (int i = 0; i < 4; i++)
        handle(SIGRTMIN + i, count_signal, SA_RESTART | SA_NODEFER);
    start_timer(ITIMER_REAL, SIGALRM, 1000);
    pid_t one = spawn(send_many, NULL), two = spawn(send_many, NULL);
    uint64_t sum = 0;
    double quotient = 1;
    for (uint64_t i = 0; received < 1000; i++) {
        sum += i % 7;
        quotient = quotient * 1.5 - (quotient > 1e6 ? 1e6 : 0);
    }
    expect(sum < ~0ull && quotient > 0, "the quotient is wrong");
    expect_success(one);
    expect_success(two);
    expect_equal("signals received", received, 1000);
}
