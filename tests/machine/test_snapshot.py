"""Snapshots: the run goes on from a file as if nothing had been.  `test_broken_snapshots.py` has broken files."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machine import processorstate, snapshot
from machine.bios import firmware
from machine.engine.choice import Engine
from machine.machine import Machine
from machine.snapshot import SnapshotError
from machine.stop import Breakpoint, Exited
from tests.machine.bare import EXIT, KERNEL, KERNEL_DATA, SIZE, Bare
from tests.machine.sixteen import Sixteen
from tests.machine.test_determinism import PLACES, finish, make
from tests.routes import wander

SMALL = 1 << 20


def through_file(guest, path):
    """A second guest, in a machine of its own, that goes on from where the first one is."""
    snapshot.save(guest.machine, path)
    other = Bare()
    other.machine, _ = snapshot.begin(path, lambda _found: other.machine)
    return other


def load(machine, path):
    with snapshot.opened(path) as found:
        snapshot.load(machine, found)


def small():
    """A machine whose file is small, and whose every byte counts."""
    machine = Machine(SMALL)
    machine.memory.write(0x3000, b"some text" * 500)
    machine.memory.write(0x80000, b"more of it" * 50)
    return machine


# The run goes on


@pytest.fixture(scope="module", params=["periodic", "one-shot"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def plain(kind):
    return finish(make(kind))


@pytest.mark.parametrize("chunk", [777, 20_000])
def test_saving_does_not_change_the_run(kind, plain, chunk, tmp_path):
    guest = make(kind)
    for _ in range(30):
        guest.machine.run(chunk)
        snapshot.save(guest.machine, tmp_path / "here")
    assert finish(guest) == plain


@pytest.mark.parametrize("chunk", [333, 5000, 40_000])
def test_a_run_handed_from_machine_to_machine(kind, plain, chunk, tmp_path):
    guest = make(kind)
    for _ in range(25):
        guest.machine.run(chunk)
        guest = through_file(guest, tmp_path / "here")
    assert finish(guest) == plain


def test_a_run_handed_over_between_single_steps(kind, plain, tmp_path):
    guest = make(kind)
    for _ in range(12):
        guest.machine.run(3000)
        guest.step(7)
        guest = through_file(guest, tmp_path / "here")
        guest.step(5)
    assert finish(guest) == plain


def test_one_machine_goes_back_and_forth(kind, plain, tmp_path):
    guest, files = make(kind), [tmp_path / str(number) for number in range(5)]
    for path in files:
        guest.machine.run(20_000)
        snapshot.save(guest.machine, path)
    for number in (3, 0, 4, 1, 2):
        load(guest.machine, files[number])
        assert finish(guest) == plain


FRESH = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.machine.bare import Bare
from tests.machine.test_determinism import finish
from machine import snapshot
guest = Bare()
with snapshot.opened(Path(sys.argv[1])) as found:
    snapshot.load(guest.machine, found)
print(repr(finish(guest)))
"""


def test_a_fresh_process_ends_the_same(kind, plain, tmp_path):
    guest = make(kind)
    guest.machine.run(200_000)
    snapshot.save(guest.machine, tmp_path / "here")
    words = [sys.executable, "-c", FRESH, str(tmp_path / "here"), str(Path(__file__).parents[2])]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == repr(plain)


def test_one_position_has_one_file_whatever_the_way(kind, tmp_path):
    """By one run; by steps, flushes and breakpoints; by a machine that was loaded; by the clock in Python."""
    straight, choice, wandering = make(kind), Random(5), make(kind, engine=Engine.PLAIN)
    for _ in range(60):
        wander(wandering.machine, wandering.cpu, choice, PLACES)
    while wandering.cpu.halted:
        wandering.machine.step()
    target = wandering.machine.position
    while straight.machine.position.progress + 2000 < target.progress:
        straight.machine.run(min(1000, target.progress - 2000 - straight.machine.position.progress))
    while straight.machine.position != target:
        straight.machine.step()
    snapshot.save(straight.machine, tmp_path / "a")
    snapshot.save(wandering.machine, tmp_path / "b")
    snapshot.save(through_file(straight, tmp_path / "c").machine, tmp_path / "d")
    first, *others = ((tmp_path / name).read_bytes() for name in "abcd")
    assert all(other == first for other in others)


# Processor state


def altered(value, bits):
    return (value ^ 0x5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A) & (1 << bits) - 1


FREE = {
    item.name: item.bits
    for item in (*processorstate.VIEWED, *processorstate.WRITTEN)
    if not item.name.startswith(("mc", "sysenter_cs", "dr7", "rflags", "hflags"))
}


def test_every_register_comes_back():
    """Each with a value of its own, into a processor that has other values."""
    source, target = Machine(SMALL), Machine(SMALL)
    state = processorstate.save(source.cpu)
    state["registers"] |= {name: altered(number, bits) for number, (name, bits) in enumerate(FREE.items())}
    state["registers"] |= {"rflags": 0xCD7, "mc3_status": (1 << 64) - 1, "mcg_status": 5, "sysenter_cs": 0x10}
    state["registers"]["mxcsr"], state["registers"]["x87_control"] = 0x7FC0, 0xF7F
    state = json.loads(json.dumps(state))
    processorstate.load(target.cpu, processorstate.check(target.cpu, state))
    assert processorstate.save(target.cpu) == state


def test_rounding_follows_its_control_registers(tmp_path):
    """Set before the file, used after it."""
    code = f"""
        fninit
        movw $0x0c7f, {KERNEL_DATA:#x}
        fldcw {KERNEL_DATA:#x}
        movl $0xff80, {KERNEL_DATA + 8:#x}
        ldmxcsr {KERNEL_DATA + 8:#x}
        fld1
        nop
        movl $-10, {KERNEL_DATA + 16:#x}
        fildl {KERNEL_DATA + 16:#x}
        fidivl {KERNEL_DATA:#x}
        fstpt {KERNEL_DATA + 32:#x}
        movl $0x3f800000, {KERNEL_DATA + 48:#x}
        movss {KERNEL_DATA + 48:#x}, %xmm1
        movl $0x40400000, {KERNEL_DATA + 52:#x}
        divss {KERNEL_DATA + 52:#x}, %xmm1
        movss %xmm1, {KERNEL_DATA + 56:#x}
        fxsave {KERNEL_DATA + 256:#x}
    """
    straight, stopped = Bare().kernel(code + EXIT), Bare().kernel(code + EXIT)
    stopped.step(7)
    resumed = through_file(stopped, tmp_path / "here")
    assert straight.run() == resumed.run() == Exited(0)
    assert straight.digest() == resumed.digest()
    assert straight.peek(KERNEL_DATA + 56, 4) == 0x3EAAAAAA, "rounded to zero"


DEBUGGED = f"""
    movl ${KERNEL + 0x100:#x}, %eax
    movq %rax, %dr0
    movl $0x402, %eax
    movq %rax, %dr7
    nop
    movl $5, %ecx
    jmp 1f
    .org 0x100
1:  incl {KERNEL_DATA:#x}
    loop 1b
    {EXIT}
    .org 0x800
    incl {KERNEL_DATA + 8:#x}
    orl $0x10000, 16(%rsp)
    iretq
"""


def debugged():
    guest = Bare().kernel(DEBUGGED)
    guest.gate(1, KERNEL + 0x800)
    return guest


def test_the_guests_own_breakpoints_are_armed_again(tmp_path):
    straight, stopped = debugged(), debugged()
    stopped.step(5)
    resumed = through_file(stopped, tmp_path / "here")
    assert straight.run() == resumed.run() == Exited(0)
    assert straight.peek(KERNEL_DATA + 8, 4) == resumed.peek(KERNEL_DATA + 8, 4) == 5
    assert straight.digest() == resumed.digest()


def test_the_guests_breakpoints_of_before_are_gone(tmp_path):
    guest = debugged()
    snapshot.save(guest.machine, tmp_path / "before")
    guest.step(8)
    snapshot.save(guest.machine, tmp_path / "armed")
    load(guest.machine, tmp_path / "before")
    guest.poke(KERNEL + 10, 0x90909090, 4)  # the one instruction that arms it, and a part of the next
    guest.poke(KERNEL + 14, 0x9090, 2)
    guest.cpu.write_register("rip", KERNEL + 0x100)
    guest.cpu.write_register("rcx", 5)
    assert guest.run() == Exited(0)
    assert guest.peek(KERNEL_DATA + 8, 4) == 0
    load(guest.machine, tmp_path / "armed")
    assert guest.run() == Exited(0)
    assert guest.peek(KERNEL_DATA + 8, 4) > 0


def test_an_interrupt_shadow_is_kept(tmp_path):
    guest = Bare().kernel("sti; nop; nop")
    guest.step()
    assert not guest.cpu.interruptible()
    other = through_file(guest, tmp_path / "here")
    assert not other.cpu.interruptible()
    other.step()
    assert other.cpu.interruptible()


def test_a_halted_processor_stays_halted(tmp_path):
    guest = Bare().kernel("cli; hlt")
    end = guest.run()
    other = through_file(guest, tmp_path / "here")
    assert other.cpu.halted and other.run() == end


def test_a_triple_fault_stays_with_its_chain(tmp_path):
    guest = Bare().kernel("ud2")
    guest.cpu.write_register("idtr_limit", 0)
    end = guest.run()
    assert through_file(guest, tmp_path / "here").run() == end


def test_real_mode_and_long_mode_follow_each_other(tmp_path):
    """No translation and no TLB entry of the one serves the other."""
    sixteen = Sixteen("1: incw %ax; movw %ax, 0x3000; jmp 1b", prepare=firmware.install)
    long = make()
    snapshot.save(sixteen.machine, tmp_path / "16")
    snapshot.save(long.machine, tmp_path / "64")
    expected = finish(long)
    machine = long.machine
    for _ in range(2):
        load(machine, tmp_path / "16")
        assert firmware.NAME in machine.devices
        machine.run(4000)
        sixteen_there = machine.position, bytes(machine.memory.ram)
        load(machine, tmp_path / "64")
        assert firmware.NAME not in machine.devices
        assert finish(long) == expected
    sixteen.machine.run(4000)
    assert sixteen_there == (sixteen.machine.position, bytes(sixteen.machine.memory.ram))


def test_breakpoints_stay_and_the_place_has_been_told(tmp_path):
    guest = Bare().kernel("nop; nop; nop; " + EXIT)
    snapshot.save(guest.machine, tmp_path / "here")
    guest.cpu.breakpoints.insert(KERNEL)
    guest.cpu.breakpoints.insert(KERNEL + 2)
    guest.step(2)
    load(guest.machine, tmp_path / "here")
    assert guest.run() == Breakpoint(KERNEL + 2)


# Writing


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path, monkeypatch):
    path, machine = tmp_path / "here", small()
    snapshot.save(machine, path)
    before = path.read_bytes()

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    machine.memory.write(0, b"changed")
    monkeypatch.setattr(snapshot, "pack", full)
    with pytest.raises(SnapshotError, match="here cannot be written: No space left on device"):
        snapshot.save(machine, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["here"]
    with pytest.raises(SnapshotError, match="cannot be written"):
        snapshot.save(machine, tmp_path / "nowhere" / "here")


def test_an_opened_file_is_loaded_even_if_its_name_is_taken_meanwhile(tmp_path):
    first, second, target = small(), Machine(SMALL), Machine(SMALL)
    snapshot.save(first, tmp_path / "here")
    with snapshot.opened(tmp_path / "here") as found:
        snapshot.save(second, tmp_path / "here")
        snapshot.load(target, found)
    assert bytes(target.memory.ram) == bytes(first.memory.ram)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, SIZE // 4096 - 1), max_size=40), st.integers(1, 600), st.integers())
def test_ram_comes_back(tmp_path, pages, length, seed):
    random, machine, target = Random(seed), Machine(SIZE), Machine(SIZE)
    target.memory.write(0x5000, b"old" * 5000)
    for page in pages:
        count = min(length, SIZE // 4096 - page)
        machine.memory.write(page * 4096, random.randbytes(count * 4096))
    snapshot.save(machine, tmp_path / "here")
    load(target, tmp_path / "here")
    assert bytes(target.memory.ram) == bytes(machine.memory.ram)


def test_what_is_remembered_of_the_guest_is_given_back(tmp_path):
    machine = small()
    snapshot.save(machine, tmp_path / "here", {"kernel": "somewhere"})
    with snapshot.opened(tmp_path / "here") as found:
        assert (found.guest, found.position, found.memory) == ({"kernel": "somewhere"}, machine.position, SMALL)
