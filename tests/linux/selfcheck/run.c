/*
 * Checks of the machine from ring 3, on any x86-64 Linux: `selfcheck` runs all of checks.h, `selfcheck NAME...` some.
 * One line a check: `ok NAME` or `not ok NAME: why`. Ends with status 0 if all were ok.
 */
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_SECONDS = 60, REASON = 400 };

struct check {
    const char *name;
    void (*run)(void);
};

#define CHECK(name) void check_##name(void);
#include "checks.h"
#undef CHECK

static const struct check CHECKS[] = {
#define CHECK(name) {#name, check_##name},
#include "checks.h"
#undef CHECK
};

const char *program;
static int reasons = STDERR_FILENO; /* where fail() writes */

void fail(const char *format, ...)
{
    char text[REASON];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof text - 2)
        length = sizeof text - 2;
    text[length++] = '\n';
    if (write(reasons, text, length) != length)
        _exit(2);
    _exit(1);
}

void expect_equal(const char *what, long long got, long long wanted)
{
    if (got == wanted)
        return;
    bool small = got > -4096 && got < 4096 && wanted > -4096 && wanted < 4096;
    fail(small ? "%s is %lld, not %lld" : "%s is %#llx, not %#llx", what, got, wanted);
}

/* Wait for the end of what the check writes; false if it does not come in time. */
static bool read_reason(int from, char *reason)
{
    size_t have = 0;
    struct pollfd input = {.fd = from, .events = POLLIN};

    reason[0] = 0;
    while (!memchr(reason, '\n', have) && poll(&input, 1, MOST_SECONDS * 1000) > 0) {
        ssize_t got = read(from, reason + have, REASON - 1 - have);
        if (got <= 0)
            break;
        have += got;
    }
    reason[have] = 0;
    reason[strcspn(reason, "\n")] = 0; /* a child's own reason comes first, its parent's is of no interest */
    return input.revents != 0;
}

static void run_in_child(const struct check *check, const int ends[2])
{
    close(ends[0]);
    reasons = ends[1];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    check->run();
    _exit(0);
}

static bool run(const struct check *check)
{
    char reason[REASON];
    int ends[2], status;

    if (pipe(ends) != 0)
        return false;
    pid_t child = fork();
    if (child == 0)
        run_in_child(check, ends);
    close(ends[1]);
    bool ended = read_reason(ends[0], reason);
    close(ends[0]);
    if (!ended || *reason)
        kill(-child, SIGKILL); /* it may wait for a child of its own that failed */
    waitpid(child, &status, 0);
    kill(-child, SIGKILL); /* whatever the check left running */
    if (!ended)
        snprintf(reason, sizeof reason, "not done after %d s", MOST_SECONDS);
    else if (!*reason && WIFSIGNALED(status))
        snprintf(reason, sizeof reason, "killed by signal %d", WTERMSIG(status));
    else if (!*reason && WIFEXITED(status) && WEXITSTATUS(status) != 0)
        snprintf(reason, sizeof reason, "ended with status %d", WEXITSTATUS(status));
    printf(*reason ? "not ok %s: %s\n" : "ok %s\n", check->name, reason);
    fflush(stdout);
    return !*reason;
}

static bool wanted(const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return count == 0;
}

/* `selfcheck --exec WHAT...`: the far side of a check that executes this program again. */
void executed(int count, char **words);

int main(int count, char **words)
{
    bool all_ok = true;

    program = "/proc/self/exe";
    if (count > 1 && strcmp(words[1], "--exec") == 0) {
        executed(count - 2, words + 2);
        return 0;
    }
    for (size_t i = 0; i < length_of(CHECKS); i++)
        if (wanted(CHECKS[i].name, count - 1, words + 1))
            all_ok &= run(&CHECKS[i]);
    return all_ok ? 0 : 1;
}
