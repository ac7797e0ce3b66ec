/* Pages: appearing, copied, shared, protected, moved, gone. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_WRITE = PROT_READ | PROT_WRITE };

static int memory_file(size_t length)
{
    int file = memfd_create("selfcheck", 0);

    expect(file >= 0 && ftruncate(file, length) == 0, "memfd_create failed: errno %d", errno);
    return file;
}

static void read_word(void *at)
{
    *(volatile uint64_t *)at;
}

static void write_word(void *at)
{
    *(volatile uint64_t *)at = 1;
}

static size_t resident(const void *at, size_t pages)
{
    unsigned char present[512];
    size_t count = 0;

    expect(mincore((void *)at, pages * PAGE, present) == 0, "mincore failed");
    for (size_t i = 0; i < pages; i++)
        count += present[i] & 1;
    return count;
}

void check_demand_zero(void)
{
    enum { PAGES = 300 };
    uint64_t *words = map(PAGES * PAGE, READ_WRITE, 0);

    expect_equal("pages present at first", resident(words, PAGES), 0);
    for (size_t i = 0; i < PAGES * PAGE / 8; i += 13)
        expect_equal("a new word", words[i], 0);
    for (size_t i = 0; i < PAGES; i++)
        words[i * PAGE / 8 + i] = i;
    for (size_t i = 0; i < PAGES; i++)
        expect_equal("a written word", words[i * PAGE / 8 + i], i);
    expect_equal("pages present at last", resident(words, PAGES), PAGES);
}

enum { COW_WORDS = 64 * PAGE / sizeof(uint64_t) };

static void spoil_words(void *words)
{
    uint64_t *word = words;

    for (size_t i = 0; i < COW_WORDS; i++) {
        expect_equal("the child's word", word[i], i);
        word[i] = ~i;
    }
    for (size_t i = 0; i < COW_WORDS; i++)
        expect_equal("the child's own word", word[i], ~i);
}

void check_copy_on_write(void)
{
    uint64_t *words = map(64 * PAGE, READ_WRITE, 0);

    for (size_t i = 0; i < COW_WORDS; i++)
        words[i] = i;
    pid_t one = spawn(spoil_words, words), two = spawn(spoil_words, words);
    expect_success(one);
    expect_success(two);
    for (size_t i = 0; i < COW_WORDS; i++)
        expect_equal("the parent's word", words[i], i);
}

static void add_1000(void *word)
{
    for (int i = 0; i < 1000; i++)
        __atomic_add_fetch((uint64_t *)word, 1, __ATOMIC_SEQ_CST);
}

void check_shared_mapping(void)
{
    uint64_t *words = map(4 * PAGE, READ_WRITE, MAP_SHARED);

    for (int i = 0; i < 4; i++)
        expect_success(spawn(add_1000, words + i * PAGE / 8));
    for (int i = 0; i < 4; i++)
        expect_equal("what a child added", words[i * PAGE / 8], 1000);
}

void check_private_file_mapping(void)
{
    int file = memory_file(2 * PAGE);
    char text[6] = {0};

    expect(pwrite(file, "first", 5, PAGE) == 5, "pwrite failed");
    char *mine = mmap(NULL, 2 * PAGE, READ_WRITE, MAP_PRIVATE, file, 0);
    const char *shared = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, file, 0);
    expect(mine != MAP_FAILED && shared != MAP_FAILED, "mmap failed");
    expect(memcmp(mine + PAGE, "first", 5) == 0, "the file's bytes are not there");
    memcpy(mine + PAGE, "other", 5);
    expect(pread(file, text, 5, PAGE) == 5 && strcmp(text, "first") == 0, "the file was changed");
    expect(pwrite(file, "third", 5, PAGE) == 5, "pwrite failed");
    expect(memcmp(shared + PAGE, "third", 5) == 0, "a shared mapping does not follow the file");
    expect(memcmp(mine + PAGE, "other", 5) == 0, "a private copy follows the file");
}

void check_protection_changes(void)
{
    char *page = map(PAGE, READ_WRITE, 0);

    for (int i = 0; i < 200; i++) {
        page[i] = i;
        expect(mprotect(page, PAGE, PROT_READ) == 0, "mprotect failed");
        expect_equal("a byte", (unsigned char)page[i], i);
        struct fault fault = fault_of(write_word, page);
        expect_fault(&fault, SIGSEGV, SEGV_ACCERR, (uintptr_t)page);
        expect(mprotect(page, PAGE, PROT_NONE) == 0, "mprotect failed");
        fault = fault_of(read_word, page);
        expect_fault(&fault, SIGSEGV, SEGV_ACCERR, (uintptr_t)page);
        expect(mprotect(page, PAGE, READ_WRITE) == 0, "mprotect failed");
    }
}

void check_unmapping(void)
{
    for (int i = 0; i < 100; i++) {
        char *pages = map(3 * PAGE, READ_WRITE, 0);
        memset(pages, i + 1, 3 * PAGE);
        expect(munmap(pages + PAGE, PAGE) == 0, "munmap failed");
        struct fault fault = fault_of(read_word, pages + PAGE);
        expect_fault(&fault, SIGSEGV, SEGV_MAPERR, (uintptr_t)pages + PAGE);
        expect_equal("the page before", pages[0], i + 1);
        expect_equal("the page behind", pages[2 * PAGE], i + 1);
        void *again = mmap(pages + PAGE, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        expect(again == pages + PAGE, "mmap failed");
        expect_equal("the new page", pages[PAGE], 0);
        munmap(pages, 3 * PAGE);
    }
}

void check_remapping(void)
{
    unsigned char *old = map(2 * PAGE, READ_WRITE, 0);
    unsigned char *far = map(16 * PAGE, PROT_NONE, 0);

    old[5] = 55, old[PAGE + 6] = 66;
    unsigned char *new = mremap(old, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, far);
    expect(new == far, "mremap failed: errno %d", errno);
    expect_equal("a moved byte", new[5], 55);
    expect_equal("another", new[PAGE + 6], 66);
    expect_equal("a byte behind", new[7 * PAGE], 0);
    struct fault fault = fault_of(read_word, old);
    expect_fault(&fault, SIGSEGV, SEGV_MAPERR, (uintptr_t)old);
    expect(mremap(new, 8 * PAGE, PAGE, 0) == new, "shrinking failed");
    fault = fault_of(read_word, new + PAGE);
    expect_fault(&fault, SIGSEGV, SEGV_MAPERR, (uintptr_t)new + PAGE);
}

void check_dont_need(void)
{
    uint64_t *words = map(4 * PAGE, READ_WRITE, 0);

    for (int i = 0; i < 100; i++) {
        words[PAGE / 8] = 7;
        expect(madvise(words, 4 * PAGE, MADV_DONTNEED) == 0, "madvise failed");
        expect_equal("a dropped word", words[PAGE / 8], 0);
    }
}

void check_program_break(void)
{
    char *end = sbrk(0);

    expect(sbrk(0) == end, "sbrk(0) moved the break");
    expect(syscall(12 /* brk: musl's own refuses */, end + 64 * PAGE) == (long)(end + 64 * PAGE), "brk failed");
    end[64 * PAGE - 1] = 9;
    expect_equal("a byte of the heap", end[63 * PAGE], 0);
    expect(syscall(12, end) == (long)end, "brk failed");
    struct fault fault = fault_of(read_word, (void *)(((uintptr_t)end + 2 * PAGE) & -PAGE));
    expect_equal("the signal behind the break", fault.signal, SIGSEGV);
}

static unsigned descend(unsigned depth)
{
    volatile char here[PAGE];

    here[depth % PAGE] = depth;
    unsigned below = depth ? descend(depth - 1) : 0;
    return below + (unsigned char)here[depth % PAGE];
}

void check_stack_growth(void)
{
    enum { DEPTH = 1000 }; /* 4 MiB of the 8 that are allowed */
    unsigned sum = 0;

    for (unsigned i = 0; i <= DEPTH; i++)
        sum += i % 256;
    expect_equal("the sum of all frames", descend(DEPTH), sum);
}

static void descend_for_ever(void *unused)
{
    (void)unused;
    descend(~0u);
}

void check_stack_overflow(void)
{
    char here;
    struct fault fault = fault_of(descend_for_ever, NULL);

    expect_equal("the signal", fault.signal, SIGSEGV);
    uintptr_t depth = (uintptr_t)&here - fault.address;
    expect(depth > 7ul << 20 && depth < 9ul << 20, "the fault came %lu bytes below", depth);
}

void check_write_through_proc_mem(void)
{
    const char *text = map(PAGE, PROT_READ, 0);
    int memory = open("/proc/self/mem", O_RDWR);

    expect(memory >= 0, "no /proc/self/mem");
    expect_equal("a byte", *(volatile const char *)text, 0);
    expect(pwrite(memory, "x", 1, (off_t)(uintptr_t)text) == 1, "pwrite failed: errno %d", errno);
    expect_equal("the byte behind the kernel's back", *(volatile const char *)text, 'x');
}

void check_address_space_listing(void)
{
    char line[512], path[256], access[8];
    bool code = false, stack = false, vdso = false;
    unsigned long start, end, last = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    expect(maps != NULL, "no /proc/self/maps");
    while (fgets(line, sizeof line, maps)) {
        *path = 0;
        expect(sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, access, path) >= 3, "odd line: %s", line);
        expect(start >= last && start < end, "out of order: %s", line);
        uintptr_t me = (uintptr_t)check_address_space_listing, local = (uintptr_t)line;
        code |= start <= me && me < end && strcmp(access, "r-xp") == 0;
        stack |= start <= local && local < end && strcmp(path, "[stack]") == 0 && strcmp(access, "rw-p") == 0;
        vdso |= strcmp(path, "[vdso]") == 0 && strcmp(access, "r-xp") == 0;
        last = end;
    }
    expect(code && stack && vdso, "%s is missing", !code ? "the code" : !stack ? "the stack" : "the vdso");
}

/* Executed again by check_address_space_randomisation: where the stack is. */
void executed_tell_stack(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    if (write(STDOUT_FILENO, &here, sizeof here) != sizeof here)
        _exit(1);
}

static uintptr_t stack_of_new_program(unsigned long persona)
{
    uintptr_t stack = 0;
    int ends[2], status;

    expect(pipe(ends) == 0, "no pipe");
    pid_t child = fork();
    if (child == 0) {
        personality(persona);
        dup2(ends[1], STDOUT_FILENO);
        execl(program, program, "--exec", "tell_stack", (char *)NULL);
        _exit(3);
    }
    close(ends[1]);
    expect(read(ends[0], &stack, sizeof stack) == sizeof stack, "the new program said nothing");
    waitpid(child, &status, 0);
    close(ends[0]);
    return stack;
}

void check_address_space_randomisation(void)
{
    uintptr_t fixed = stack_of_new_program(ADDR_NO_RANDOMIZE);

    expect_equal("the stack without randomisation", stack_of_new_program(ADDR_NO_RANDOMIZE), fixed);
    uintptr_t one = stack_of_new_program(0), two = stack_of_new_program(0);
    expect(one != two || one != fixed, "the stack is at %#lx each time", one);
}
