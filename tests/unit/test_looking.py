"""Looking never changes the guest: RAM, processor and devices are the same before and after everything was read."""

import hashlib
import json

import pytest

from gdbstub.protocol import TABLE
from gdbstub.session import Session
from gdbstub.wire import Decoder, frame
from machine import processorstate
from ringscope.boot import Configuration, power_on
from ringscope.commandset import COMMANDS, TABLES
from ringscope.layout import REGISTERS
from ringscope.serve import make_target
from tests.guest.places import run_to

LOOKING = (
    *("regs", "regs all", "cr", "cr -v", "mode", "gdt", "idt", "tss", "ldt", "frame", "walk $rsp", "where", "position"),
    *(
        "vectors",
        "tasks",
        "task",
        "info apic",
        "info clock",
        "info version",
        "info devices",
        "info ioapic",
        "info mem",
        "info pic",
        "info pit",
        "info registers",
    ),
    *("info ports", "info serial", "x/16xg $rsp", "x/8i $rip", "xp/8xg 0", "symbols do_sys*", "why", "catch list"),
)
PLACES = (0, 0x1000, 0xB8000, 0xFEC00000, 0xFEE00000, 0xFFFFFFFF81000000, 0xFFFF888000000000, (1 << 64) - 4096)


@pytest.fixture(scope="module", params=["first", "do_syscall_64", "ring 3"])
def guest(request):
    """At its first instruction, in its first system call, and in ring 3 behind it."""
    guest = power_on(Configuration(memory=32 << 20))
    machine = guest.machine
    if request.param != "first":
        run_to(guest, "do_syscall_64")
    while request.param == "ring 3" and machine.cpu.cpl == 0:
        machine.step()
    return guest


def digest(machine):
    """All that the guest's future depends on."""
    state = json.dumps([machine.save(), processorstate.save(machine.cpu)], sort_keys=True, default=str)
    return hashlib.sha256(bytes(machine.memory.ram) + state.encode()).hexdigest()


def packets():
    yield from (
        b"?",
        b"g",
        b"qC",
        b"qfThreadInfo",
        b"qsThreadInfo",
        b"qThreadExtraInfo,1",
        b"jThreadsInfo",
        b"qHostInfo",
    )
    yield from (b"p%x" % slot.number for slot in REGISTERS.slots)
    for physical in (0, 1):
        yield b"Qqemu.PhyMemMode:%d" % physical
        for place in PLACES:
            for letter in (b"m", b"x"):
                yield b"%s%x,1000" % (letter, place)
            yield b"qSearch:memory:%x;1000;nothing" % place
            yield b"qCRC:%x,1000" % place
            yield b"qMemoryRegionInfo:%x" % place
    yield b"Qqemu.PhyMemMode:0"
    yield b"qXfer:memory-map:read::0,1000"
    yield b"qXfer:threads:read::0,1000"
    yield b"qXfer:osdata:read::0,1000"
    yield from (b"qXfer:osdata:read:%s:0,10000" % table.name.encode() for table in TABLES)
    yield from (b"qRcmd," + line.encode().hex().encode() for line in LOOKING)


def test_looking_changes_nothing(guest):
    said = bytearray()
    session = Session(make_target(guest), said.extend, table=TABLE)
    session.link.acknowledge = False
    decoder = Decoder(1 << 20, run_lengths=True)
    before = digest(guest.machine)
    for number, packet in enumerate(packets()):
        session.receive(frame(packet, run_lengths=False))
        *_, reply = decoder.feed(bytes(said))
        said.clear()
        assert reply or packet.startswith(b"Q"), packet
        if number % 20 == 0:
            assert digest(guest.machine) == before, f"{packet} or one of the 19 before"
    assert digest(guest.machine) == before


def test_every_command_that_looks_is_tried():
    tried = {COMMANDS.parse(line).command.name for line in LOOKING}
    assert {name for name in COMMANDS.commands if name.startswith("info ")} <= tried
