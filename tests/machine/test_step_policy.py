"""Step policies: where a step ends that meets an interrupt or a fault, and that the guest's course stays the same."""

import pytest

from machine.stop import Breakpoint, Exited, Stepped
from ringscope.local import LocalDebuggee
from ringscope.stepping import Policy
from tests.machine.bare import EXIT, KERNEL, TO_RING_3, USER, Bare

CODE = f"""
    jmp start
.org 0x100
    push %rax               # the timer
    mov $0x20, %al
    out %al, $0x20
    incl %ecx
    pop %rax
    iretq
.org 0x140
    add $8, %rsp            # #PF: the page is put in
    movq $0x200067, 0x4000
    iretq
start:
    mov $0x11, %al; out %al, $0x20; mov $0x20, %al; out %al, $0x21
    mov $4, %al; out %al, $0x21; mov $1, %al; out %al, $0x21
    mov $0xfe, %al; out %al, $0x21
    mov $0x34, %al; out %al, $0x43; mov $2, %al; out %al, $0x40; mov $0, %al; out %al, $0x40
    xor %ecx, %ecx
    sti
again:
    inc %ebx
    mov 0x10, %edx
    cmp $400, %ebx
    jne again
    cli
{EXIT}
"""
HANDLERS = range(KERNEL + 0x100, KERNEL + 0x152)


def made(policy):
    bare = Bare().kernel(CODE)
    bare.gate(0x20, KERNEL + 0x100)
    bare.gate(14, KERNEL + 0x140)
    bare.map(0, 0)
    bare.cpu.write_register("rbx", 0)
    debuggee = LocalDebuggee(bare.machine)
    debuggee.stepper.policy = policy
    return bare, debuggee


def walked(policy):
    """Every place that steps end at, and the guest at its end."""
    bare, debuggee = made(policy)
    places = []
    for _ in range(5000):
        reason = debuggee.step()
        if reason == Exited(0):
            return places, bare
        assert reason == Stepped()
        places.append(bare.rip)
    raise AssertionError(places)


@pytest.fixture(scope="module")
def plain():
    bare, _ = made(Policy.RAW)
    assert bare.run() == Exited(0)
    return bare.reg("rcx"), bare.machine.position.events


def test_raw_steps_see_every_handler():
    places, bare = walked(Policy.RAW)
    assert KERNEL + 0x100 in places and KERNEL + 0x140 in places
    assert bare.reg("rcx") > 0


def test_masked_steps_see_no_interrupt():
    places, bare = walked(Policy.MASK_INTERRUPTS)
    assert KERNEL + 0x100 not in places and KERNEL + 0x140 in places
    assert bare.reg("rcx") > 0
    assert not bare.cpu.breakpoints.addresses()


def test_steps_over_exceptions_see_no_handler():
    places, bare = walked(Policy.OVER_EXCEPTIONS)
    assert not any(place in HANDLERS for place in places)
    assert bare.reg("rcx") > 0 and bare.reg("rbx") == 400


def test_policies_do_not_change_the_course(plain):
    guests = [walked(policy)[1] for policy in Policy]
    assert {(bare.reg("rcx"), bare.machine.position.events) for bare in guests} == {plain}
    assert len({(bare.digest(), bare.machine.position) for bare in guests}) == 1


def test_a_breakpoint_in_the_handler_is_met():
    bare, debuggee = made(Policy.OVER_EXCEPTIONS)
    bare.cpu.breakpoints.insert(KERNEL + 0x140)
    for _ in range(100):
        reason = debuggee.step()
        if reason != Stepped():
            break
    assert reason == Breakpoint(KERNEL + 0x140)
    assert bare.cpu.breakpoints.addresses() == [KERNEL + 0x140]


SHARED = f"""
    jmp start
.org 0x140
    add $8, %rsp            # #PF: reads a word by the function that faulted, and puts the page in
    mov $0x5000, %esi
    call touch
    movq $0x200067, 0x4000
    mov $0x10, %esi
    iretq
start:
    mov $0x10, %esi
    call touch
{EXIT}
.org 0x200
touch:
    mov (%rsi), %edx
    ret
"""


@pytest.mark.parametrize("wanted", [False, True])
def test_a_condition_where_the_handler_returns_is_asked_of_deeper_calls(wanted):
    bare = Bare().kernel(SHARED)
    bare.gate(14, KERNEL + 0x140)
    bare.map(0, 0)
    debuggee, asked = LocalDebuggee(bare.machine), []
    while bare.rip != KERNEL + 0x200:
        debuggee.step()
    debuggee.stepper.policy = Policy.OVER_EXCEPTIONS
    outer = bare.reg("rsp")
    bare.cpu.breakpoints.insert(KERNEL + 0x200, lambda: bool(asked.append(bare.reg("rsp"))) or wanted)
    assert debuggee.step() == (Breakpoint(KERNEL + 0x200) if wanted else Stepped())
    assert asked[0] < outer and (bare.rip == KERNEL + 0x202) is not wanted


def test_a_fault_from_ring_3_is_stepped_over():
    bare = Bare().kernel(TO_RING_3).user("mov 0x10, %edx\nnop\n")
    bare.machine.memory.write(KERNEL + 0x140, bytes.fromhex("4883c40848c70425004000006700200048cf"))
    bare.gate(14, KERNEL + 0x140)
    bare.map(0, 0)
    debuggee = LocalDebuggee(bare.machine)
    debuggee.stepper.policy = Policy.OVER_EXCEPTIONS
    while bare.cpu.cpl == 0:
        debuggee.step()
    assert bare.rip == USER
    assert debuggee.step() == Stepped()
    assert bare.rip == USER + 7 and bare.cpu.cpl == 3
