"""INT n, INT3, INTO and INT1 in every mode and ring: what the frame says, and what the gate's DPL refuses (SDM 2A)."""

from typing import NamedTuple

import pytest

from machine.stop import Breakpoint
from tests.machine import flat32, sixteen
from tests.machine.bare import KERNEL, TO_RING_3, USER, Bare

HANDLERS, APART = 0x800, 16
EXCEPTIONS = range(32)
GP, RF, LOOP = 13, 1 << 16, b"\xeb\xfe"


class Place(NamedTuple):
    """A guest about to run code in one mode and ring; ``code`` is where, as the frame has it."""

    guest: object
    code: int
    handlers: int
    frame: object

    def run(self):
        """The vector whose handler was entered."""
        stop = self.guest.run()
        assert isinstance(stop, Breakpoint), stop
        return (stop.address - self.handlers) // APART


def long_mode(code, ring, dpl):
    guest = Bare()
    guest.kernel(TO_RING_3)
    guest.machine.memory.write(USER if ring else KERNEL, code)
    for vector in EXCEPTIONS:
        guest.gate(vector, KERNEL + HANDLERS + APART * vector, dpl=dpl)
    return Place(guest, USER if ring else KERNEL, KERNEL + HANDLERS, guest.stack)


def protected_mode(code, ring, dpl):
    guest = flat32.Flat32(flat32.TO_RING_3)
    guest.machine.memory.write(flat32.USER if ring else flat32.CODE, code)
    for vector in EXCEPTIONS:
        guest.gate(vector, flat32.CODE + HANDLERS + APART * vector, dpl=dpl)
    return Place(guest, flat32.USER if ring else flat32.CODE, flat32.CODE + HANDLERS, guest.frame)


def real_mode(code, _ring, _dpl):
    guest = sixteen.Sixteen("nop")
    guest.machine.memory.write(sixteen.CODE, code)
    for vector in EXCEPTIONS:
        guest.vector(vector, HANDLERS + APART * vector)
    return Place(guest, 0, sixteen.CODE + HANDLERS, guest.frame)


def place(mode, code, ring, dpl=3):
    here = mode(code + LOOP, ring, dpl)
    for vector in EXCEPTIONS:
        here.guest.cpu.breakpoints.insert(here.handlers + APART * vector)
    return here


PLACES = pytest.mark.parametrize(
    ("mode", "ring"),
    [(long_mode, 0), (long_mode, 3), (protected_mode, 0), (protected_mode, 3), (real_mode, 0)],
    ids=["long-0", "long-3", "protected-0", "protected-3", "real"],
)
GUARDED = pytest.mark.parametrize("mode", [long_mode, protected_mode])


@PLACES
def test_int_n_pushes_the_next_instruction_whatever_the_vector(mode, ring):
    for vector in EXCEPTIONS:
        here = place(mode, b"\x90\xcd" + bytes([vector]), ring)
        assert here.run() == vector
        rip, _, flags = here.frame(3)  # no error code, though the exception has one
        assert rip == here.code + 3, f"INT {vector} goes on behind itself"
        assert not flags & RF


@PLACES
@pytest.mark.parametrize(("code", "vector"), [(b"\xcc", 3), (b"\xf1", 1), (b"\x66\xf1", 1), (b"\x66\xcd\x06", 6)])
def test_other_forms_push_the_next_instruction_too(mode, ring, code, vector):
    here = place(mode, b"\x90" + code, ring)
    assert here.run() == vector
    rip, _, flags = here.frame(3)
    assert rip == here.code + 1 + len(code)
    assert not flags & RF


@pytest.mark.parametrize(("mode", "ring"), [(protected_mode, 0), (protected_mode, 3), (real_mode, 0)])
def test_into_is_a_trap_if_of_is_set(mode, ring):
    overflow = b"\xb0\x7f\x04\x01\xce"  # mov $0x7f, %al; add $1, %al; into
    here = place(mode, b"\x90\xce" + overflow, ring)
    assert here.run() == 4
    assert here.frame(1) == [here.code + 2 + len(overflow)], "and was not while OF was clear"


@pytest.mark.parametrize("ring", [0, 3])
@pytest.mark.parametrize("code", [b"\xce", b"\xf0\xf1"], ids=["into", "lock int1"])
def test_what_is_no_instruction_is_a_fault(ring, code):
    here = place(long_mode, b"\x90" + code, ring)
    assert here.run() == 6
    rip, _, flags = here.frame(3)
    assert rip == here.code + 1
    assert flags & RF


@GUARDED
def test_a_gate_below_cpl_refuses_at_the_instruction(mode):
    for vector in EXCEPTIONS:
        here = place(mode, b"\x90\xcd" + bytes([vector]), 3, dpl=0)
        assert here.run() == GP
        code, rip, _, flags = here.frame(4)
        assert (code, rip) == (vector * 8 + 2, here.code + 1)
        assert flags & RF


@GUARDED
@pytest.mark.parametrize(
    ("code", "vector"), [(b"\xcc", 3), (b"\x66\xcd\x06", 6), (b"\x66\x66\xcd\x20", 32), (b"\xb0\x66\xcd\x06", 6)]
)
def test_the_refused_instruction_begins_with_its_prefixes(mode, code, vector):
    here = place(mode, b"\x90" + code, 3, dpl=0)
    assert here.run() == GP
    begin = 3 if code[0] == 0xB0 else 1  # a prefix's value may be the last byte of what stands before
    assert here.frame(2) == [vector * 8 + 2, here.code + begin]


@GUARDED
def test_int1_is_not_guarded_by_its_gate(mode):
    here = place(mode, b"\xf1", 3, dpl=0)
    assert here.run() == 1
    assert here.frame(1) == [here.code + 1]


@PLACES
def test_the_clock_counts_the_instruction_as_it_does_any_other(mode, ring):
    for code, counted in ((b"\xcd\x06", 2), (b"\xcd\x05", 2), (b"\xf1", 1), (b"\x0f\x0b", 0)):
        here = place(mode, b"\x90\x90" + code, ring)
        machine = here.guest.machine
        here.guest.cpu.breakpoints.insert(begin := here.guest.cpu.linear_pc if not ring else here.code)
        while machine.run() != Breakpoint(begin):
            pass
        before = machine.cpu.progress.clock
        here.run()
        assert machine.cpu.progress.clock - before == 2 + counted
