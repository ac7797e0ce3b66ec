"""A toy target: two processors, two pages of memory and six instructions, enough for every packet."""

import errno

from gdbstub.errors import TargetError
from gdbstub.protocol import TABLE
from gdbstub.registers import Feature, Field, Flags, Register, RegisterSet, Union, Vector
from gdbstub.session import Session
from gdbstub.stopreply import (
    BreakpointHit,
    Exited,
    Signal,
    Stepped,
    Stopped,
    WatchKind,
    WatchpointHit,
)
from gdbstub.values import HostInfo, MemoryRegion, Offsets, OsRows, OsTable, Region, ThreadInfo
from gdbstub.wire import Decoder, frame

BASE = 0x1000
LENGTH = 0x2000
DATA = 0x2000
GENERAL = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{n}" for n in range(8, 16))]
POINTERS = {"rbp": "data_ptr", "rsp": "data_ptr"}
CONTROL = ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"]

CORE = Feature(
    "org.gnu.gdb.i386.core",
    (
        *(Register(name, 64, POINTERS.get(name, "int64")) for name in GENERAL),
        Register("rip", 64, "code_ptr"),
        Register("eflags", 32, "i386_eflags"),
        *(Register(name, 32, "int32") for name in ["cs", "ss", "ds", "es", "fs", "gs"]),
        *(Register(f"st{n}", 80, "i387_ext") for n in range(8)),
        *(Register(name, 32, "int", group="float") for name in CONTROL),
    ),
    (Flags("i386_eflags", 4, (Field("CF", 0, 0), Field("", 1, 1), Field("ZF", 6, 6), Field("IF", 9, 9))),),
)
SSE = Feature(
    "org.gnu.gdb.i386.sse",
    (
        *(Register(f"xmm{n}", 128, "vec128") for n in range(16)),
        Register("mxcsr", 32, "int", group="vector"),
    ),
    (
        Vector("v4f", "ieee_single", 4),
        Vector("v16i8", "int8", 16),
        Union("vec128", (Field("v4_float", type="v4f"), Field("v16_int8", type="v16i8"))),
    ),
)
REGISTERS = RegisterSet("i386:x86-64", (CORE, SSE), expedited=("rip", "rsp", "rbp", "cs", "eflags"), pc="rip")
RIP, RAX, RDI = (REGISTERS.by_name[name] for name in ("rip", "rax", "rdi"))
UNAVAILABLE = REGISTERS.by_name["fop"].number

# 1000: nop; nop; inc rax; mov [rdi], al; mov al, [rdi]; jmp 1000 ... 1100: int3 ... 1200: hlt
PROGRAM = {0x1000: bytes.fromhex("90 90 48ffc0 8807 8a07 ebf5"), 0x1100: b"\xcc", 0x1200: b"\xf4"}
LOOP = tuple(0x1000 + offset for offset in (0, 1, 2, 5, 7, 9))
SLICE = 200


class ToyProbe:
    """What expressions see of the toy."""

    def __init__(self, target, thread):
        self.target = target
        self.thread = thread

    def pc(self):
        return self.target.get(self.thread, RIP)

    def register(self, number):
        if number not in REGISTERS.by_number:
            raise TargetError(errno.EINVAL, f"there is no register {number}")
        value = self.target.read_register(self.thread, number)
        if value is None:
            raise TargetError(errno.ENODATA, f"register {number} is not known")
        return int.from_bytes(value[:8], "little")

    def registers(self):
        return self.target.read_registers(self.thread)

    def load(self, address, length):
        return int.from_bytes(self.read(address, length), "little")

    def read(self, address, length):
        data = self.target.read_memory(address, length)
        if len(data) < length:
            raise TargetError(errno.EFAULT, f"{address + len(data):#x} is not mapped")
        return data


class ToyTarget:
    """Implements every power; records what it was told in ``log``."""

    registers = REGISTERS
    physical = False

    def is_physical(self):
        return self.physical

    def set_physical(self, physical):
        self.physical = physical

    def __init__(self):
        self.memory = bytearray(LENGTH)
        for address, code in PROGRAM.items():
            self.memory[address - BASE : address - BASE + len(code)] = code
        self.blocks = {1: bytearray(REGISTERS.length), 2: bytearray(REGISTERS.length)}
        for thread in self.blocks:
            self.set(thread, RIP, 0x1000)
            self.set(thread, RDI, DATA + 8 * thread)
            self.set(thread, REGISTERS.by_name["cs"], 0x10)
        self.breakpoints = set()
        self.questions = {}
        self.touched = []
        self.watchpoints = set()
        self.stop = Stopped(Signal.TRAP, 1, core=0)
        self.actions = {}
        self.begins = None  # the stop with which a program that was started begins
        self.log = []

    # registers

    def get(self, thread, slot):
        return int.from_bytes(self.blocks[thread][slot.offset : slot.offset + slot.length], "little")

    def set(self, thread, slot, value):
        self.blocks[thread][slot.offset : slot.offset + slot.length] = REGISTERS.bytes_of(value, slot.length)

    def read_registers(self, thread):
        return bytes(self.blocks[thread])

    def write_registers(self, thread, data):
        self.blocks[thread][:] = data

    def read_register(self, thread, number):
        slot = REGISTERS.by_number[number]
        block = self.blocks[thread]
        return None if number == UNAVAILABLE else bytes(block[slot.offset : slot.offset + slot.length])

    def write_register(self, thread, number, data):
        if number == UNAVAILABLE:
            raise TargetError(errno.EPERM, "fop cannot be written")
        slot = REGISTERS.by_number[number]
        self.blocks[thread][slot.offset : slot.offset + slot.length] = data

    # memory

    def read_memory(self, address, length):
        if not BASE <= address < BASE + LENGTH:
            raise TargetError(errno.EFAULT, f"{address:#x} is not mapped")
        return bytes(self.memory[address - BASE : address - BASE + length])

    def write_memory(self, address, data):
        if not BASE <= address <= BASE + LENGTH - len(data):
            raise TargetError(errno.EFAULT, f"{address:#x} is not mapped")
        self.memory[address - BASE : address - BASE + len(data)] = data

    def memory_map(self):
        return [MemoryRegion("ram", BASE, LENGTH), MemoryRegion("flash", 0x10000, 0x1000, 0x100)]

    def os_tables(self):
        return [OsTable("ports", "Ports", "I/O ports <of the toy>")]

    def os_rows(self, name):
        if name != "ports":
            raise TargetError(errno.ENOENT, f"there is no table {name!r}")
        return OsRows(("Port", "Device"), [("0x3f8", "serial & co"), ("0x60", "\0")])

    def signal_info(self, thread):
        if thread == 2:
            raise TargetError(errno.ENODATA, "no signal")
        return b"signal }"

    def host(self):
        return HostInfo("x86_64-toy", 8, "toy")

    def region_at(self, address):
        if BASE <= address < BASE + LENGTH:
            return Region(BASE, LENGTH, "rwx")
        return Region(0, BASE, "") if address < BASE else Region(BASE + LENGTH, (1 << 64) - BASE - LENGTH, "")

    # threads

    def threads(self):
        return sorted(self.blocks)

    def thread_info(self, thread):
        return ThreadInfo(thread, f"CPU {thread - 1}", thread - 1, "running <init>" if thread == 1 else "")

    # running

    def stop_state(self):
        return self.stop

    def resume(self, actions):
        self.log.append(("resume", dict(actions)))
        self.actions = dict(actions)
        self.fresh = True  # the first instruction of each thread ignores its breakpoint

    def run_slice(self):
        if self.begins is not None:
            stop, self.begins = self.begins, None
            return self.stopped(1, stop)
        for _ in range(SLICE):
            for thread, action in self.actions.items():
                stop = self.execute(thread) or (Stepped() if action.step else None)
                if stop is not None:
                    return self.stopped(thread, stop)
            self.fresh = False
        return None

    def stopped(self, thread, stop):
        self.actions = {}
        is_reason = not isinstance(stop, Exited | Stopped)
        self.stop = Stopped(Signal.TRAP, thread, stop, thread - 1) if is_reason else stop
        return self.stop

    def interrupt(self):
        thread = next(iter(self.actions), 1)
        return self.stopped(thread, Stopped(Signal.INT, thread, None, thread - 1))

    def execute(self, thread):
        """One instruction; what it stopped for, if anything."""
        rip = self.get(thread, RIP)
        if rip in self.breakpoints and not self.fresh and self.asked(rip, self.probe(thread)):
            return BreakpointHit(rip)
        opcode = self.memory[rip - BASE] if BASE <= rip < BASE + LENGTH else None
        if opcode is None:
            return Stopped(Signal.SEGV, thread, None, thread - 1)
        if opcode == 0xF4:
            return Exited(self.get(thread, RAX) & 0xFF)
        if opcode == 0xCC:
            self.set(thread, RIP, rip + 1)
            return Stopped(Signal.TRAP, thread, None, thread - 1)
        return self.execute_plain(thread, rip, opcode)

    def execute_plain(self, thread, rip, opcode):
        length = {0x48: 3, 0x88: 2, 0x8A: 2, 0xEB: 2}.get(opcode, 1)
        self.touched = []
        if opcode == 0x48:
            self.set(thread, RAX, self.get(thread, RAX) + 1)
        elif opcode == 0x88:
            address = self.get(thread, RDI)
            self.memory[(address - BASE) % LENGTH] = self.get(thread, RAX) & 0xFF
            self.watched(address, WatchKind.WRITE)
        elif opcode == 0x8A:
            self.watched(self.get(thread, RDI), WatchKind.READ)
        elif opcode == 0xEB:
            length += int.from_bytes(self.memory[rip - BASE + 1 : rip - BASE + 2], "little", signed=True)
        self.set(thread, RIP, rip + length)
        hits = [hit for point, hit in self.touched if self.asked(point, self.probe(thread))]
        return hits[0] if hits else None

    def watched(self, address, access):
        for kind, start, length in self.watchpoints:
            if start <= address < start + length and kind in (access, WatchKind.ACCESS):
                self.touched.append(((kind, start, length), WatchpointHit(kind, address)))

    # powers

    def insert_breakpoint(self, address, kind):
        assert address not in self.breakpoints, "armed twice"
        self.breakpoints.add(address)

    def remove_breakpoint(self, address, kind):
        self.breakpoints.remove(address)

    def insert_watchpoint(self, kind, address, length):
        assert (kind, address, length) not in self.watchpoints, "armed twice"
        self.watchpoints.add((kind, address, length))

    def remove_watchpoint(self, kind, address, length):
        self.watchpoints.remove((kind, address, length))

    def asked(self, point, probe):
        return point not in self.questions or self.questions[point](probe)

    def probe(self, thread):
        return ToyProbe(self, thread)

    def insert_breakpoint_when(self, address, when):
        self.insert_breakpoint(address, 1)
        self.questions[address] = when

    def remove_breakpoint_when(self, address):
        self.remove_breakpoint(address, 1)
        del self.questions[address]

    def insert_watchpoint_when(self, kind, address, length, when):
        self.insert_watchpoint(kind, address, length)
        self.questions[kind, address, length] = when

    def remove_watchpoint_when(self, kind, address, length):
        self.remove_watchpoint(kind, address, length)
        del self.questions[kind, address, length]

    def monitor(self, command, write):
        self.log.append(("monitor", command))
        if command == "bug":
            raise RuntimeError("a bug in the toy")
        if command == "reset":
            self.restart()
        elif command != "hello":
            raise TargetError(errno.EINVAL, f"there is no command {command!r}, see #1")
        write("hello, ")
        write("world\n")

    def select_thread(self, thread):
        self.selected = thread

    def kill(self, process=None):
        self.log.append(("kill",) if process is None else ("kill", process))

    def restart(self):
        self.log.append(("restart",))
        self.set(1, RIP, 0x1000)
        self.stop = Stopped(Signal.TRAP, 1)

    def start_program(self, program):
        if program.path == "/bin/none":
            raise TargetError(errno.ENOENT, "there is no /bin/none")
        self.restart()
        self.program = program
        self.begins = Exited(1) if program.path == "/bin/bad" else Stopped(Signal.TRAP, 1)

    def client_attached(self):
        self.log.append(("attached",))

    def client_detached(self):
        self.log.append(("detached",))


REQUIRED = (
    *("read_registers", "write_registers", "read_register", "write_register", "read_memory", "write_memory"),
    *("threads", "stop_state", "resume", "run_slice", "interrupt"),
)


class BareTarget:
    """Only what every target must have."""

    registers = REGISTERS

    def __init__(self, inner=None):
        inner = inner or ToyTarget()
        for name in REQUIRED:
            setattr(self, name, getattr(inner, name))


class Conversation:
    """A session driven without a socket."""

    def __init__(self, target, *, acknowledge=False, resident=None):
        self.target = target
        self.sent = bytearray()
        self.session = Session(target, self.sent.extend, table=TABLE, resident=resident)
        self.session.link.acknowledge = acknowledge
        self._decoder = Decoder(1 << 20, run_lengths=True)

    def replies(self):
        """What the server sent since the last call."""
        events = self._decoder.feed(bytes(self.sent))
        self.sent.clear()
        return events

    def run(self, slices=1000):
        """Let the target run until it stops."""
        while self.session.running and slices:
            self.session.advance()
            slices -= 1

    def all(self, packet):
        """Every reply to a packet, the stop included."""
        self.session.receive(frame(packet, run_lengths=False))
        self.run()
        return self.replies()

    def __call__(self, packet):
        """The one reply to a packet; None if there is none."""
        replies = self.all(packet)
        assert len(replies) <= 1, f"{packet!r} was answered {replies}"
        return replies[0] if replies else None


class Displaced(ToyTarget):
    """Runs elsewhere than linked."""

    segments = False

    def offsets(self):
        return Offsets(0x1000, 0x2000, self.segments)
