/* Processes: born, fed, told, ended. */
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t spawn(void (*function)(void *), void *argument)
{
    pid_t child = fork();

    expect(child >= 0, "fork failed: errno %d", errno);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a check that fails leaves nothing running */
        function(argument);
        _exit(0);
    }
    return child;
}

int status_of(pid_t child)
{
    int status;

    expect(waitpid(child, &status, 0) == child, "waitpid failed: errno %d", errno);
    return status;
}

void expect_success(pid_t child)
{
    int status = status_of(child);

    expect(status == 0, "a child ended with status word %#x", status);
}

static void write_number(void *number)
{
    uint64_t *shared = number;

    *shared += 1;
    _exit(*shared % 256);
}

void check_forks(void)
{
    enum { FORKS = 200 };
    uint64_t *shared = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

    for (int i = 1; i <= FORKS; i++) {
        int status = status_of(spawn(write_number, shared));
        expect(WIFEXITED(status) && WEXITSTATUS(status) == i % 256, "child %d: status word %#x", i, status);
    }
    expect_equal("what the children counted", *shared, FORKS);
}

static void end_by_signal(void *signal)
{
    raise((int)(intptr_t)signal);
}

static void abort_itself(void *unused)
{
    (void)unused;
    abort();
}

void check_exit_status(void)
{
    int status = status_of(spawn(end_by_signal, (void *)(intptr_t)SIGTERM));
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "status word %#x", status);
    status = status_of(spawn(abort_itself, NULL));
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status word %#x", status);
    pid_t child = spawn(end_by_signal, (void *)(intptr_t)SIGSTOP);
    expect(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status), "status word %#x", status);
    kill(child, SIGCONT);
    expect_success(child);
}

enum { PIPED = 1 << 20 };

static void write_much(void *end)
{
    unsigned char bytes[3001];
    uint32_t state = 1;

    for (size_t sent = 0; sent < PIPED;) {
        size_t length = PIPED - sent < sizeof bytes ? PIPED - sent : sizeof bytes;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (state = state * 1664525 + 1013904223) >> 24;
        expect(write(*(int *)end, bytes, length) == (ssize_t)length, "write failed");
        sent += length;
    }
}

void check_pipe_keeps_bytes(void)
{
    unsigned char bytes[4099];
    int ends[2];
    uint32_t state = 1;
    ssize_t got;
    size_t total = 0;

    expect(pipe(ends) == 0, "no pipe");
    pid_t child = spawn(write_much, &ends[1]);
    close(ends[1]);
    while ((got = read(ends[0], bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            expect_equal("a byte", bytes[i], (state = state * 1664525 + 1013904223) >> 24);
        total += got;
    }
    expect_equal("all bytes", total, PIPED);
    expect_success(child);
}

static void answer(void *argument)
{
    const int *ends = argument;
    int ball;

    close(ends[1]);
    while (read(ends[0], &ball, sizeof ball) == sizeof ball) {
        ball++;
        expect(write(ends[3], &ball, sizeof ball) == sizeof ball, "write failed");
    }
}

void check_pipe_ping_pong(void)
{
    int ends[4], ball;

    expect(pipe(ends) == 0 && pipe(ends + 2) == 0, "no pipe");
    pid_t child = spawn(answer, ends);
    for (int i = 0; i < 2000; i += 2) {
        expect(write(ends[1], &i, sizeof i) == sizeof i, "write failed");
        expect(read(ends[2], &ball, sizeof ball) == sizeof ball, "read failed");
        expect_equal("the ball", ball, i + 1);
    }
    close(ends[1]);
    expect_success(child);
}

/* Executed again: each word must be as wanted. */
void executed_words(int count, char **words)
{
    expect_equal("the number of words", count, 3);
    expect(strcmp(words[0], "one two") == 0 && *words[1] == 0 && strlen(words[2]) == 5000, "the words differ");
    expect(strcmp(getenv("SELFCHECK"), "here") == 0 && getenv("HOME") == NULL, "the environment differs");
}

static void exec_with_words(void)
{
    static char long_word[5001];
    char *const words[] = {"selfcheck", "--exec", "words", "one two", "", long_word, NULL};
    char *const environment[] = {"SELFCHECK=here", NULL};

    memset(long_word, 'x', sizeof long_word - 1);
    execve(program, words, environment);
    _exit(3);
}

static void exec_in_child(void *unused)
{
    (void)unused;
    exec_with_words();
}

void check_exec_passes_arguments(void)
{
    expect_success(spawn(exec_in_child, NULL));
    expect_equal("execve() of no program", execl("/proc/self/maps", "x", (char *)NULL), -1);
    expect_equal("errno", errno, EACCES);
}

void check_vfork_and_exec(void)
{
    extern char **environ;
    char *const words[] = {"selfcheck", "--exec", "nothing", NULL};

    for (int i = 0; i < 30; i++) {
        pid_t child; /* posix_spawn is vfork and exec, kept from doing harm */
        expect_equal("posix_spawn()", posix_spawn(&child, program, NULL, NULL, words, environ), 0);
        expect_success(child);
    }
}

void executed(int count, char **words)
{
    void executed_fresh_fpu(void);
    void executed_tell_stack(void);

    if (count && strcmp(words[0], "fresh_fpu") == 0)
        executed_fresh_fpu();
    else if (count && strcmp(words[0], "tell_stack") == 0)
        executed_tell_stack();
    else if (count && strcmp(words[0], "words") == 0)
        executed_words(count - 1, words + 1);
}

static void spin(void *unused)
{
    volatile uint64_t turns = 0;

    (void)unused;
    for (;;)
        turns++;
}

void check_kill_reaches_a_busy_child(void)
{
    for (int i = 0; i < 10; i++) {
        pid_t child = spawn(spin, NULL);
        usleep(2000);
        kill(child, SIGKILL);
        int status = status_of(child);
        expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status word %#x", status);
    }
}

static void tell_later(void *event)
{
    usleep(10000);
    expect(eventfd_write(*(int *)event, 5) == 0, "eventfd_write failed");
}

void check_poll_and_eventfd(void)
{
    int event = eventfd(0, 0);
    struct pollfd input = {.fd = event, .events = POLLIN};
    eventfd_t value;

    expect_equal("poll() of nothing", poll(&input, 1, 5), 0);
    pid_t child = spawn(tell_later, &event);
    expect_equal("poll()", poll(&input, 1, 10000), 1);
    expect(eventfd_read(event, &value) == 0, "eventfd_read failed");
    expect_equal("the event's value", value, 5);
    expect_success(child);
}
