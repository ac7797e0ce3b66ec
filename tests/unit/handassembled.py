"""A machine that runs a few hand-assembled bytes, with symbols and two tasks, and commands given to it."""

from pathlib import Path
from typing import NamedTuple

from kernel.errors import SymbolsError
from kernel.structures import Member
from kernel.symbols import Symbols
from ringscope.commandset import COMMANDS
from tests.machine.bare import KERNEL, Bare

# fmt: off
CODE = {
    0x00: "90",                       # start: nop
    0x01: "48c7c02a000000",           #        mov $42, %rax
    0x08: "e803000000",               #        call store
    0x0d: "90",                       #        nop
    0x0e: "ebfe",                     #        jmp .
    0x10: "4889042500002000",         # store: mov %rax, data
    0x18: "c3",                       #        ret
    0x20: "66bafd03",                 # echo:  mov $0x3fd, %dx
    0x24: "ec",                       # 1:     in %dx, %al
    0x25: "a801",                     #        test $1, %al
    0x27: "74fb",                     #        jz 1b
    0x29: "66baf803",                 #        mov $0x3f8, %dx
    0x2d: "ec",                       #        in %dx, %al
    0x2e: "ee",                       #        out %al, %dx
    0x2f: "ebef",                     #        jmp echo
    0x40: "66baf400",                 # leave: mov $0xf4, %dx
    0x44: "b810000000",               #        mov $16, %eax
    0x49: "ef",                       #        out %eax, %dx
    0x4a: "f4",                       #        hlt
    0x50: "f4",                       # halt:  hlt
    0x60: "0f0b",                     # fault: ud2
    0x70: "e671",                     #        out %al, $0x71
    0x72: "e6ed",                     #        out %al, $0xed
    0x80: "fb",                       # idle:  sti
    0x81: "f4",                       #        hlt
}
SYMBOLS = {
    "start": KERNEL, "store": KERNEL + 0x10, "echo": KERNEL + 0x20, "leave": KERNEL + 0x40, "halt": KERNEL + 0x50,
    "fault": KERNEL + 0x60, "ports": KERNEL + 0x70, "idle": KERNEL + 0x80,
    "data": 0x200000, "text": 0x200010, "current_task": 0x200100, "init_task": 0x200200, "second": 0x200300,
    "frame": 0x200400,
}
OFFSETS = {"__state": 0, "flags": 4, "pid": 8, "tgid": 12, "comm": 16, "exit_state": 32, "mm": 40, "tasks": 48}
LENGTHS = {"comm": 16, "mm": 8, "tasks": 16}
# fmt: on


class Symbol(NamedTuple):
    name: str
    address: int


class FakeSymbols(Symbols):
    def __init__(self):
        super().__init__(Path("fake"), [])

    def lookup(self, name):
        return Symbol(name, SYMBOLS[name]) if name in SYMBOLS else None

    def nearest(self, address):
        below = [Symbol(name, at) for name, at in SYMBOLS.items() if at <= address < at + 0x100]
        found = max(below, key=lambda symbol: symbol.address, default=None)
        return found and (found, address - found.address)

    def member(self, structure, path):
        if structure != "struct task_struct" or path not in OFFSETS:
            raise SymbolsError(f"{structure} has no member {path!r}")
        return Member(OFFSETS[path], LENGTHS.get(path, 4), "struct mm_struct" if path == "mm" else "")

    def __iter__(self):
        return iter(Symbol(name, at) for name, at in SYMBOLS.items())


def guest():
    bare = Bare()
    for offset, code in CODE.items():
        bare.machine.memory.write(KERNEL + offset, bytes.fromhex(code))
    bare.machine.memory.write(SYMBOLS["text"], b'say "hi"\n\xff\0second\0')
    bare.poke(SYMBOLS["current_task"], SYMBOLS["init_task"])
    tasks = (
        (SYMBOLS["init_task"], 1, b"init", 0, SYMBOLS["second"]),
        (SYMBOLS["second"], 7, b"sh", 1, SYMBOLS["init_task"]),
    )
    for at, pid, comm, state, following in tasks:
        bare.poke(at, state, 4)
        bare.poke(at + 8, pid, 4)
        bare.machine.memory.write(at + 16, comm)
        bare.poke(at + 48, following + 48)
    for index, word in enumerate((0x400000, 0x33, 0x202, 0x580000, 0x2B)):
        bare.poke(SYMBOLS["frame"] + 8 * index, word)
    return bare


def lines(session, line):
    return list(COMMANDS.run(session, line))


def text(session, line):
    return "\n".join(lines(session, line))
