"""The table of measures: one small function each, a list of repeated values. Wrong results are errors, not speeds."""

import statistics
import struct
import time
from typing import NamedTuple

from benchmarks.client import Unsupported, WrongAnswer, clock, expand, refused

COMPUTE, TICKS, MEMORY, BULK, SPIN, USER, SYSCALLS = 1, 2, 3, 4, 5, 6, 7
MEMORY_RWX, TICKS_RWX, MOVS_RWX = 9, 10, 11
# instructions in one round of each loop of workload/body.S
COMPUTE_ROUND, TICKS_ROUND, MEMORY_ROUND = 8, 5, 6
EXECUTE, WRITE, ACCESS = 0, 2, 4


class Measure(NamedTuple):
    name: str
    unit: str
    text: str
    values: object
    more_is_better: bool


MEASURES = []


def measure(name, unit, text, *, more_is_better=True):
    def enter(function):
        MEASURES.append(Measure(name, unit, text, function, more_is_better))
        return function

    return enter


# ------------------------------------------------------------------ round trips


def round_trips(guest, body):
    guest.client.need(body)

    def operation(count):
        begin = clock()
        for _ in range(count):
            guest.client.command(body)
        return clock() - begin

    return guest.per_second(operation)


@measure("g", "/s", "`g`: all registers")
def read_registers(guest):
    return round_trips(guest, b"g")


@measure("m", "/s", "`m`: 8 bytes")
def read_memory(guest):
    return round_trips(guest, b"m%x,8" % guest.at("counter"))


@measure("p", "/s", "`p`: one register")
def read_register(guest):
    return round_trips(guest, b"p1")


@measure("dump", "MB/s", "`m`: bulk, packets as large as allowed")
def dump_memory(guest):
    chunk = min((guest.client.packet_size - 8) // 2 & ~7, 1 << 16)
    body = b"m%x,%x" % (guest.at("bulkbuf"), chunk)
    length = len(expand(guest.client.need(body))) // 2
    return [rate * length / 1e6 for rate in round_trips(guest, body)]


@measure("x", "MB/s", "`x`: bulk, in binary")
def dump_memory_in_binary(guest):
    chunk = min(guest.client.packet_size // 2 - 8, 1 << 16)
    guest.client.need(b"x%x,%x" % (guest.at("bulkbuf"), chunk))
    return [rate * chunk / 1e6 for rate in round_trips(guest, b"x%x,%x" % (guest.at("bulkbuf"), chunk))]


@measure("write", "MB/s", "writes: `X` in binary, or `M` where the server knows no other")
def write_memory(guest):
    address, room = guest.at("bulkbuf"), guest.client.packet_size
    in_binary = not refused(guest.client.command(b"X%x,0:" % address))
    chunk = min(room // 2 - 16, 1 << 16) & ~7
    data = bytes(range(48, 64)) * (chunk // 16)  # nothing to escape
    head = (b"X" if in_binary else b"M") + b"%x,%x:" % (address, len(data))
    return [rate * len(data) / 1e6 for rate in round_trips(guest, head + (data if in_binary else data.hex().encode()))]


# ------------------------------------------------------------------ steps and stops


@measure("step", "/s", "steps of one instruction")
def steps(guest, *between):
    loop = guest.at("compute_loop")

    def operation(count):
        guest.start(COMPUTE, count // COMPUTE_ROUND + 2)
        guest.run_to("compute_loop")
        begin = clock()
        for _ in range(count):
            guest.client.step()
            for body in between:
                guest.client.command(body)
        seconds, pc = clock() - begin, guest.client.pc()
        if (count % COMPUTE_ROUND == 0) != (pc == loop):
            raise WrongAnswer(f"{count} steps led to {pc:#x}")
        guest.finish()
        return seconds

    return guest.per_second(operation)


@measure("stepi", "/s", "the same with what gdb reads after each step")
def steps_of_gdb(guest):
    return steps(guest, b"g", b"m%x,1" % guest.at("compute_loop"), b"m%x,40" % guest.at("bulkbuf"))


@measure("range", "M/s", "instructions of one range step, one round trip")
def range_step(guest):
    client = guest.client
    if "r" not in client.actions:
        raise Unsupported("vCont has no range steps")
    start, end = guest.at("compute_loop"), guest.at("compute_end")

    def operation(count):
        guest.start(COMPUTE, count // COMPUTE_ROUND + 2)
        guest.run_to("compute_loop")
        begin = clock()
        client.send(b"vCont;r%x,%x:1" % (start, end))
        client.wait()
        seconds = clock() - begin
        if client.pc() != end:
            raise WrongAnswer(f"the range step ended at {client.pc():#x}, not at {end:#x}")
        guest.finish()
        return seconds * count / (count // COMPUTE_ROUND + 2) / COMPUTE_ROUND

    return mips(guest.per_second(operation, most=1 << 18))


@measure("stop", "/s", "breakpoint stops: remove, step, insert, continue, as gdb does")
def breakpoint_stops(guest):
    client, tick, counter = guest.client, guest.at("tick"), guest.at("counter")

    def operation(count):
        guest.start(TICKS, count + 3)
        client.insert(EXECUTE, tick)
        client.cont()
        before, begin = client.read_word(counter), clock()
        for _ in range(count):
            client.remove(EXECUTE, tick)
            client.step()
            client.insert(EXECUTE, tick)
            client.cont()
        seconds = clock() - begin
        return checked_count(guest, EXECUTE, tick, 1, (client.read_word(counter) - before, count, seconds))

    return guest.per_second(operation, most=1 << 18)


@measure("condition", "/s", "passes of a breakpoint whose condition is false, asked where the server can")
def false_conditions(guest):
    asks = guest.client.features.get("ConditionalBreakpoints+") is not None
    return guest.per_second(lambda count: (asked_there if asks else asked_here)(guest, count), most=1 << 20)


def asked_there(guest, count):
    """The server asks: one command to the end of the loop."""
    tick, counter = guest.at("tick"), guest.at("counter")
    # *(unsigned long *) counter == -1: const64 ref64 const64 equal end
    code = struct.pack(">BQBBQBB", 0x25, counter, 0x1A, 0x25, (1 << 64) - 1, 0x13, 0x27)
    before = guest.client.read_word(counter)
    guest.client.need(b"Z0,%x,1;X%x,%b" % (tick, len(code), code.hex().encode()))
    seconds = guest.timed(TICKS, count)
    guest.client.remove(EXECUTE, tick)
    if (passed := guest.client.read_word(counter) - before) != count:
        raise WrongAnswer(f"{passed} passes where {count} were wanted")
    return seconds


def asked_here(guest, count):
    """The client asks, as gdb does: a stop, a word of memory, and on."""
    client, tick, counter = guest.client, guest.at("tick"), guest.at("counter")
    guest.start(TICKS, count + 3)
    client.insert(EXECUTE, tick)
    client.cont()
    before, begin = client.read_word(counter), clock()
    for _ in range(count):
        client.remove(EXECUTE, tick)
        client.step()
        client.insert(EXECUTE, tick)
        client.cont()
        client.read_word(counter)
    seconds = clock() - begin
    return checked_count(guest, EXECUTE, tick, 1, (client.read_word(counter) - before, count, seconds))


@measure("watch", "/s", "write-watchpoint stops")
def watchpoint_stops(guest):
    client, counter = guest.client, guest.at("counter")

    def operation(count):
        guest.start(TICKS, count + 3)
        client.insert(WRITE, counter, 8)
        before, begin = client.read_word(counter), clock()
        for _ in range(count):
            client.cont()
        seconds = clock() - begin
        return checked_count(guest, WRITE, counter, 8, (client.read_word(counter) - before, count, seconds))

    return guest.per_second(operation, most=1 << 18)


def checked_count(guest, kind, address, length, result):
    """Clear up after counted stops; the seconds, if the guest's own counter agrees."""
    counted, wanted, seconds = result
    guest.client.remove(kind, address, length)
    guest.finish()
    if counted != wanted:
        raise WrongAnswer(f"the guest counted {counted} passes in {wanted} stops")
    return seconds


@measure("interrupt", "ms", "Ctrl-C to stop reply", more_is_better=False)
def interrupts(guest):
    guest.start(SPIN, 0)
    waits = []
    for turn in range(max(5, guest.repetitions)):
        guest.client.send(guest.client.go)
        time.sleep(0.02 + 0.003 * (turn % 4))
        begin = clock()
        guest.client.socket.sendall(b"\x03")
        guest.client.wait()
        waits.append((clock() - begin) * 1e3)
    guest.client.write(guest.at("bench_stop"), struct.pack("<Q", 1))
    guest.finish()
    return waits


# ------------------------------------------------------------------ speed of the guest


def guest_speed(guest, command, per_round, armed=()):
    """Events per second of a guest loop, while breakpoints and watchpoints (kind, address, length) are armed."""
    for point in armed:
        guest.client.insert(*point)
    try:
        return [rate * per_round for rate in guest.per_second(lambda count: guest.timed(command, count))]
    finally:
        for point in armed:
            guest.client.remove(*point)


def mips(rates):
    return [rate / 1e6 for rate in rates]


@measure("compute", "MIPS", "arithmetic loop")
def compute(guest):
    return mips(guest_speed(guest, COMPUTE, COMPUTE_ROUND))


@measure("compute, bp", "MIPS", "the same, a breakpoint armed on its page")
def compute_with_breakpoint(guest):
    return mips(guest_speed(guest, COMPUTE, COMPUTE_ROUND, [(EXECUTE, guest.at("never"), 1)]))


@measure("compute, far bp", "MIPS", "the same, a breakpoint armed on another page")
def compute_with_far_breakpoint(guest):
    return mips(guest_speed(guest, COMPUTE, COMPUTE_ROUND, [(EXECUTE, guest.at("never_far"), 1)]))


@measure("compute, 100 bp", "MIPS", "the same, 100 breakpoints armed on another page")
def compute_with_many_breakpoints(guest):
    points = [(EXECUTE, guest.at("never_far") + 16 * index, 1) for index in range(100)]
    return mips(guest_speed(guest, COMPUTE, COMPUTE_ROUND, points))


@measure("memory", "MIPS", "load and store loop")
def memory(guest):
    return mips(guest_speed(guest, MEMORY, MEMORY_ROUND))


@measure("memory, wp", "MIPS", "the same, a write watchpoint armed on its page")
def memory_with_watchpoint(guest):
    return mips(guest_speed(guest, MEMORY, MEMORY_ROUND, [(WRITE, guest.at("hot_never"), 8)]))


@measure("calls", "MIPS", "call, ret and a counter in memory")
def calls(guest):
    return mips(guest_speed(guest, TICKS, TICKS_ROUND))


@measure("user", "MIPS", "the arithmetic loop in ring 3")
def user(guest):
    return mips(guest_speed(guest, USER, COMPUTE_ROUND))


@measure("syscalls", "M/s", "system calls: `int 0x80`, `syscall`, in turn")
def system_calls(guest):
    return mips(guest_speed(guest, SYSCALLS, 2))


@measure("bulk", "GB/s", "`rep stosq` and `rep movsq` of 64 KiB")
def bulk(guest):
    return [rate / 1e9 for rate in guest_speed(guest, BULK, 2 * 65536)]


@measure("memory, rwx", "MIPS", "load and store loop on a writable and executable page")
def memory_on_executable_page(guest):
    return mips(guest_speed(guest, MEMORY_RWX, MEMORY_ROUND))


@measure("calls, rwx", "MIPS", "call, ret and a counter, stack and counter on such pages")
def calls_on_executable_pages(guest):
    return mips(guest_speed(guest, TICKS_RWX, TICKS_ROUND))


@measure("movs, rwx", "GB/s", "`rep movsq` of 64 KiB on such pages")
def moves_on_executable_pages(guest):
    return [rate / 1e9 for rate in guest_speed(guest, MOVS_RWX, 65536)]


def cost(guest, command, armed):
    """Percent of time that points, armed on another page and never hit, add to a loop: the best of runs in turn."""
    rates = guest.per_second(lambda count: guest.timed(command, count))
    count = max(1, round(statistics.median(rates) * guest.budget))

    def armed_seconds():
        for point in armed:
            guest.client.insert(*point)
        try:
            return guest.timed(command, count)
        finally:
            for point in armed:
                guest.client.remove(*point)

    costs = []
    for _ in range(3):
        pairs = [(guest.timed(command, count), armed_seconds()) for _ in range(guest.repetitions)]
        costs.append(100 * (min(armed for _, armed in pairs) / min(free for free, _ in pairs) - 1))
    return costs


def cost_of_breakpoints(guest, count):
    return cost(guest, TICKS, [(EXECUTE, guest.at("never_far") + 16 * index, 1) for index in range(count)])


@measure("cost, 1 bp", "%", "time that 1 breakpoint adds to the call loop, armed and not hit", more_is_better=False)
def cost_of_one_breakpoint(guest):
    return cost_of_breakpoints(guest, 1)


@measure("cost, 50 bp", "%", "the same with 50", more_is_better=False)
def cost_of_fifty_breakpoints(guest):
    return cost_of_breakpoints(guest, 50)


def cost_of_watchpoint(guest, kind):
    return cost(guest, MEMORY, [(kind, guest.at("cold_page"), 8)])


@measure("cost, wp", "%", "time that a write watchpoint on a quiet page adds to loads and stores", more_is_better=False)
def cost_of_write_watchpoint(guest):
    return cost_of_watchpoint(guest, WRITE)


@measure("cost, awp", "%", "the same with an access watchpoint", more_is_better=False)
def cost_of_access_watchpoint(guest):
    return cost_of_watchpoint(guest, ACCESS)


def take(entry, guest):
    """One measure: (values, None), or (None, why not). Afterwards the guest is back at bench_ready."""
    try:
        return entry.values(guest), None
    except (Unsupported, WrongAnswer) as error:
        guest.finish()
        return None, str(error)
