/* Code that changes while it runs: the processor must run what memory holds, by whatever way it got there. */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TURNS = 1000, CODE_LENGTH = 6 };
enum { READ_WRITE = PROT_READ | PROT_WRITE, READ_EXECUTE = PROT_READ | PROT_EXEC };

/* movl $value, %eax; ret */
static void put_function(void *at, int32_t value)
{
    unsigned char code[CODE_LENGTH] = {0xb8, 0, 0, 0, 0, 0xc3};

    memcpy(code + 1, &value, sizeof value);
    memcpy(at, code, sizeof code);
}

static int32_t call_at(const void *code)
{
    int32_t (*function)(void);

    memcpy(&function, &code, sizeof function);
    return function();
}

static int memory_file(void)
{
    int file = memfd_create("selfcheck", 0);

    expect(file >= 0 && ftruncate(file, PAGE) == 0, "memfd_create failed: errno %d", errno);
    return file;
}

static void *map_file(int file, int protection, int flags)
{
    void *at = mmap(NULL, PAGE, protection, flags, file, 0);

    expect(at != MAP_FAILED, "mmap failed: errno %d", errno);
    return at;
}

void check_modified_code(void)
{
    char *page = map(PAGE, READ_WRITE | PROT_EXEC, 0);

    for (int turn = 0; turn < TURNS; turn++) {
        put_function(page + turn % 64, turn);
        expect_equal("the result", call_at(page + turn % 64), turn);
    }
}

/* Each run writes the operand of the very next instruction (SDM 3A 8.1.3 asks for a jump between: there is one). */
void check_modified_next_instruction(void)
{
    static const unsigned char CODE[] = {
        0x89, 0x3d, 0x03, 0x00, 0x00, 0x00, /* movl %edi, 3(%rip) */
        0xeb, 0x00,                         /* jmp to the next instruction */
        0xb8, 0x00, 0x00, 0x00, 0x00,       /* movl $0, %eax: its operand is written above */
        0xc3,                               /* ret */
    };
    char *page = map(PAGE, READ_WRITE | PROT_EXEC, 0);
    int32_t (*function)(int32_t);

    memcpy(page, CODE, sizeof CODE);
    memcpy(&function, &page, sizeof function);
    for (int turn = 1; turn <= TURNS; turn++)
        expect_equal("the result", function(turn), turn);
}

void check_modified_through_alias(void)
{
    int file = memory_file();
    char *data = map_file(file, READ_WRITE, MAP_SHARED), *code = map_file(file, READ_EXECUTE, MAP_SHARED);

    for (int turn = 0; turn < TURNS; turn++) {
        put_function(data + 100, turn);
        expect_equal("the result", call_at(code + 100), turn);
    }
}

void check_modified_by_pwrite(void)
{
    int file = memory_file();
    const char *code = map_file(file, READ_EXECUTE, MAP_SHARED);

    for (int turn = 0; turn < TURNS; turn++) {
        char bytes[CODE_LENGTH];
        put_function(bytes, turn);
        expect(pwrite(file, bytes, sizeof bytes, 200) == sizeof bytes, "pwrite failed");
        expect_equal("the result", call_at(code + 200), turn);
    }
}

struct shared {
    int file, to_child[2], to_parent[2];
};

static void execute_what_comes(void *argument)
{
    const struct shared *shared = argument;
    const char *code = map_file(shared->file, READ_EXECUTE, MAP_SHARED);
    int32_t turn;

    close(shared->to_child[1]);
    while (read(shared->to_child[0], &turn, sizeof turn) == sizeof turn) {
        expect_equal("the result", call_at(code), turn);
        expect(write(shared->to_parent[1], &turn, sizeof turn) == sizeof turn, "write failed");
    }
}

void check_modified_by_other_process(void)
{
    struct shared shared = {.file = memory_file()};
    char *data = map_file(shared.file, READ_WRITE, MAP_SHARED);

    expect(pipe(shared.to_child) == 0 && pipe(shared.to_parent) == 0, "no pipe");
    pid_t child = spawn(execute_what_comes, &shared);
    close(shared.to_parent[1]);
    for (int32_t turn = 0; turn < 300; turn++) {
        put_function(data, turn);
        expect(write(shared.to_child[1], &turn, sizeof turn) == sizeof turn, "write failed");
        expect(read(shared.to_parent[0], &turn, sizeof turn) == sizeof turn, "the child is gone");
    }
    close(shared.to_child[1]);
    expect_success(child);
}

void check_replaced_code_page(void)
{
    char *one = map(PAGE, READ_WRITE, 0), *two = map(PAGE, READ_WRITE, 0);
    void *place = map(PAGE, PROT_NONE, 0);

    for (int turn = 0; turn < 200; turn++) {
        char *from = turn % 2 ? one : two;
        put_function(from + 8, turn);
        expect(mprotect(from, PAGE, READ_EXECUTE) == 0, "mprotect failed");
        expect(mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place, "mremap failed");
        expect_equal("the result", call_at((char *)place + 8), turn);
        expect(mremap(place, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, from) == from, "mremap failed");
        expect(mprotect(from, PAGE, READ_WRITE) == 0, "mprotect failed");
    }
}

void check_just_in_time_compiler(void)
{
    char *page = map(PAGE, READ_WRITE, 0);

    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < 8; i++)
            put_function(page + 16 * i, turn * 8 + i);
        expect(mprotect(page, PAGE, READ_EXECUTE) == 0, "mprotect failed");
        for (int i = 0; i < 8; i++)
            expect_equal("the result", call_at(page + 16 * i), turn * 8 + i);
        expect(mprotect(page, PAGE, READ_WRITE) == 0, "mprotect failed");
    }
}
