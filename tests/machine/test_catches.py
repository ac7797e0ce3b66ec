"""Catches: what each stops at, where, what it says, and that the guest goes on as if there had been none."""

import pytest

from machine.catch import Catch, Kind
from machine.errors import Error
from machine.positions import Goal
from machine.stop import Access, Breakpoint, Caught, Exited, Shutdown, Stepped
from tests.machine.bare import EXIT, IDT, KERNEL, USER, USER_DATA, Bare, with_ways_in
from tests.machine.handmade import assemble

USER_CODE = """
    mov $2, %ebx
    xor %edi, %edi
again:
    ud2
    int $0x80
    syscall
    mov %bl, (%rdi)
    int3
    dec %ebx
    jnz again
    hlt                     # #GP: the end
"""
UD2, INT80, SYSCALL, STORE, INT3 = (USER + offset for offset in (7, 9, 11, 13, 15))


def guest():
    bare = with_ways_in(USER_CODE)
    bare.gate(3, KERNEL + 0x140, dpl=3)
    bare.map(0, 0)
    return bare


def catch(bare, kind, *numbers, **fields):
    return bare.cpu.catches.insert(Catch(kind, *numbers, **fields))


def stops(bare, most=100):
    """(rip, CPL, what it says) of every stop until the end."""
    found = []
    for _ in range(most):
        stop = bare.run()
        if not isinstance(stop, Caught):
            return found, stop
        found.append((bare.rip, bare.cpu.cpl, stop.text))
    raise AssertionError(found)


@pytest.fixture(scope="module")
def plain():
    bare = guest()
    assert bare.run() == Exited(0)
    return bare.digest(), bare.machine.position


def unchanged(bare, plain):
    return (bare.digest(), bare.machine.position) == plain


EXCEPTIONS = [
    (Kind.EXCEPTION, 6, [(UD2, 3, "#UD Invalid Opcode")] * 2),
    (Kind.EXCEPTION, 3, [(INT3, 3, "#BP Breakpoint, by software interrupt")] * 2),
    (Kind.EXCEPTION, 14, [(STORE, 3, "#PF Page Fault, error code 0x6, address 0x0")] * 2),
    (Kind.EXCEPTION, 13, [(USER + 20, 3, "#GP General Protection, error code 0x0")]),
    (Kind.INTERRUPT, 0x80, [(INT80, 3, "interrupt 0x80, by software interrupt")] * 2),
    (Kind.EXCEPTION, 7, []),
]


@pytest.mark.parametrize(("kind", "vector", "expected"), EXCEPTIONS)
def test_exceptions_are_stopped_before_their_delivery(kind, vector, expected, plain):
    bare = guest()
    catch(bare, kind, vector, vector)
    assert stops(bare) == (expected, Exited(0))
    assert unchanged(bare, plain)


def test_all_exceptions():
    bare = guest()
    catch(bare, Kind.EXCEPTION)
    found, end = stops(bare)
    assert [rip for rip, _, _ in found] == [UD2, STORE, INT3] * 2 + [USER + 20] and end == Exited(0)


def test_a_page_fault_can_be_mended_at_the_stop():
    bare = guest()
    catch(bare, Kind.EXCEPTION, 14, 14)
    assert isinstance(bare.run(), Caught)
    assert bare.reg("cr2") == 0
    bare.cpu.write_register("rdi", USER_DATA)
    found, end = stops(bare)
    assert not found and end == Exited(0)
    assert bare.peek(USER_DATA, 1) == 1


RINGS = [
    ((3, 0), ["#UD", "interrupt 0x80", "syscall", "#PF", "#BP"] * 2 + ["#GP"]),
    ((0, 3), ["iretq", *["iretq", "iretq", "sysretq", "iretq", "iretq"] * 2]),
]


@pytest.mark.parametrize(("rings", "ways"), RINGS)
def test_changes_of_ring_are_stopped_in_the_new_ring(rings, ways, plain):
    bare = guest()
    catch(bare, Kind.RING, rings=rings)
    found, end = stops(bare)
    assert end == Exited(0)
    assert [cpl for _, cpl, _ in found] == [rings[1]] * len(ways)
    for (_, _, text), way in zip(found, ways, strict=True):
        assert text.startswith(f"ring {rings[0]} -> ring {rings[1]} by {way}")
    if rings == (3, 0):
        assert [rip - KERNEL for rip, _, _ in found][:5] == [0x100, 0x140, 0x180, 0x200, 0x140]
    assert unchanged(bare, plain)


def test_any_change_of_ring(plain):
    bare = guest()
    catch(bare, Kind.RING)
    found, _ = stops(bare)
    assert len(found) == 11 + 11 and unchanged(bare, plain)


@pytest.mark.parametrize("piece", [7, 9, 11])
def test_changes_of_ring_are_stopped_at_however_the_run_is_cut(piece):
    whole, cut = guest(), guest()
    for bare in (whole, cut):
        catch(bare, Kind.RING)
    found = []
    while (stop := cut.machine.run_to(Goal(cut.machine.position.progress + piece))) != Exited(0):
        if isinstance(stop, Caught):
            found.append((cut.rip, cut.cpu.cpl, stop.text))
    assert found == stops(whole)[0]


def test_a_step_over_a_change_of_ring_is_caught():
    bare = guest()
    catch(bare, Kind.RING, rings=(3, 0))
    bare.cpu.breakpoints.insert(SYSCALL)
    while not isinstance(stop := bare.run(), Breakpoint):
        assert isinstance(stop, Caught)
    assert bare.machine.step() == Caught(1, "ring 3 -> ring 0 by syscall")
    assert bare.rip == KERNEL + 0x180
    assert bare.machine.step() == Stepped() and bare.rip == SYSCALL + 2


def test_a_step_at_a_caught_exception_delivers_it():
    bare = guest()
    catch(bare, Kind.EXCEPTION, 6, 6)
    bare.cpu.breakpoints.insert(UD2)
    assert bare.run() == Breakpoint(UD2)
    assert isinstance(bare.machine.step(), Caught) and bare.rip == UD2
    assert bare.machine.step() == Stepped() and bare.rip == KERNEL + 0x100


SYSTEM = (
    """
    mov %cr0, %rax
    or $8, %rax
    mov %rax, %cr0
    clts
    mov %cr3, %rbx
    mov %rbx, %cr3
    mov $0xc0000082, %ecx
    mov $0x12345678, %eax
    mov $0x9a, %edx
    wrmsr
    mov $0x41, %al
    mov $0x3f8, %dx
    out %al, %dx
    in $0x61, %al
    mov $0x80, %dx
    outl %eax, %dx
"""
    + EXIT
)


def texts(kind, *numbers, **fields):
    bare = Bare().kernel(SYSTEM)
    catch(bare, kind, *numbers, **fields)
    found, end = stops(bare)
    assert end == Exited(0)
    other = Bare().kernel(SYSTEM)
    other.run()
    assert (bare.digest(), bare.machine.position) == (other.digest(), other.machine.position)
    assert other.output == bare.output
    return [text for _, _, text in found]


def test_control_registers():
    assert texts(Kind.CONTROL, 0, 0) == [
        "CR0 0x80010013 -> 0x8001001b, sets TS",
        "CR0 0x8001001b -> 0x80010013, clears TS",
    ]
    assert texts(Kind.CONTROL, 3, 3) == ["CR3 0x1000 -> 0x1000"]
    assert texts(Kind.CR3) == []
    assert len(texts(Kind.CONTROL)) == 3


def test_msrs():
    assert texts(Kind.MSR, 0xC0000080, 0xC0000084) == ["MSR 0xc0000082 (LSTAR) 0x0 -> 0x9a12345678"]
    assert texts(Kind.MSR, 0, 0x1000) == []


def test_ports():
    assert texts(Kind.PORT, 0x3F8, 0x3FF) == ["out 0x3f8 <- 0x41, 1 byte"]
    assert texts(Kind.PORT, 0x61, 0x61, access=Access.READ) == ["in 0x61, 1 byte"]
    assert texts(Kind.PORT, 0x61, 0x61, access=Access.WRITE) == []
    (wide,) = texts(Kind.PORT, 0x83, 0x83)
    assert wide.startswith("out 0x80 <- 0x") and wide.endswith(", 4 bytes")
    assert len(texts(Kind.PORT)) == 4


@pytest.mark.parametrize("late", (False, True))
def test_ports_that_ring_3_may_not_use_are_not_caught(late):
    bare = with_ways_in("movl $2, %ebx; 1: outb %al, $0x61; decl %ebx; jnz 1b; int3")
    bare.machine.memory.write(KERNEL + 0x1C0, assemble("addq $8, %rsp; addq $2, (%rsp); iretq", KERNEL + 0x1C0))
    bare.gate(3, KERNEL + 0x300, dpl=3)
    bare.machine.memory.write(KERNEL + 0x300, assemble(EXIT, KERNEL + 0x300))
    if late:
        bare.cpu.breakpoints.insert(USER + 7)
        assert bare.run() == Breakpoint(USER + 7)
        bare.cpu.breakpoints.remove(USER + 7)
    catch(bare, Kind.PORT, 0x61, 0x61)
    assert bare.run() == Exited(0)
    assert bare.machine.position.events == 3


def test_hlt():
    bare = Bare().kernel("sti\nhlt\nnop\n" + EXIT)
    catch(bare, Kind.HLT)
    stop = bare.run()
    assert stop.text == "hlt" and bare.rip == KERNEL + 1 and not bare.cpu.halted
    assert bare.machine.run() is None and bare.cpu.halted


def test_a_switch_of_page_tables():
    bare = Bare()
    bare.machine.memory.write(0xB000, bytes(bare.machine.memory.ram[0x1000:0x2000]))
    bare.kernel("mov $0xb000, %eax\nmov %rax, %cr3\n" + EXIT)
    catch(bare, Kind.CR3)
    assert stops(bare) == ([(KERNEL + 5, 0, "CR3 0x1000 -> 0xb000")], Exited(0))


def test_memory_mapped_devices():
    bare = Bare()
    bare.map(0x300000, 0x13, physical=0xFEE00000)
    bare.kernel("mov $0x300080, %rdi\nmovl $0x20, (%rdi)\nmov (%rdi), %eax\nnop\n" + EXIT)
    catch(bare, Kind.MMIO, 0xFEE00000, 0xFEE00FFF)
    found, end = stops(bare)
    assert end == Exited(0)
    assert [text for _, _, text in found] == [
        "write at physical 0xfee00080, just done",
        "read at physical 0xfee00080, just done",
    ]
    assert [rip for rip, _, _ in found] == [KERNEL + 7 + 6, KERNEL + 7 + 8]
    assert bare.machine.interrupts.local_apic.task_priority == 0x20


def test_external_interrupts_stop_at_the_handler():
    code = f"""
    jmp start
.org 0x100
    mov $0x20, %al
    out %al, $0x20
    incl %ebx
    iretq
start:
    mov $0x11, %al; out %al, $0x20; mov $0x20, %al; out %al, $0x21
    mov $4, %al; out %al, $0x21; mov $1, %al; out %al, $0x21
    mov $0xfe, %al; out %al, $0x21
    mov $0x34, %al; out %al, $0x43; mov $0x40, %al; out %al, $0x40; mov $0, %al; out %al, $0x40
    sti
1:  cmp $3, %ebx
    jne 1b
    cli
    {EXIT}
"""

    def made():
        bare = Bare().kernel(code)
        bare.gate(0x20, KERNEL + 0x100)
        bare.cpu.write_register("rbx", 0)
        return bare

    bare, other = made(), made()
    catch(bare, Kind.INTERRUPT, 0x20, 0x20)
    found, end = stops(bare)
    assert end == Exited(0)
    assert {text for _, _, text in found} == {"interrupt 0x20, by external interrupt, delivered"}
    assert {rip for rip, _, _ in found} == {KERNEL + 0x100} and len(found) >= 3
    assert other.run() == Exited(0)
    assert (bare.digest(), bare.machine.position) == (other.digest(), other.machine.position)


def broken():
    bare = Bare().kernel("nop\nmov 0x900000, %rax\n" + EXIT)
    bare.gate(14, KERNEL + 0x100, present=0)
    return bare


def test_a_triple_fault_is_stopped_at_its_first_fault():
    bare = broken()
    before = bare.reg("rsp")
    catch(bare, Kind.TRIPLE_FAULT)
    stop = bare.run()
    assert stop.text.startswith("#PF -> #NP -> #DF -> ") and "shutdown: gate 0xe is not present" in stop.text
    assert (bare.rip, bare.reg("rsp"), bare.cpu.shutdown) == (KERNEL + 1, before, None)
    end = bare.run()
    assert isinstance(end, Shutdown)
    other = broken()
    assert other.run() == end and other.digest() == bare.digest()


def test_a_double_fault_is_stopped_at_its_first_fault():
    bare = broken()
    bare.gate(8, KERNEL + 0x300)
    catch(bare, Kind.TRIPLE_FAULT)
    catch(bare, Kind.EXCEPTION, 8, 8)
    stop = bare.run()
    assert stop.number == 2 and stop.text.startswith("#PF -> #NP -> #DF: ") and bare.rip == KERNEL + 1
    assert bare.machine.step() == Stepped() and bare.rip == KERNEL + 0x300


def test_no_mended_fault_is_fatal():
    bare = broken()
    catch(bare, Kind.TRIPLE_FAULT)
    assert isinstance(bare.run(), Caught)
    bare.poke(IDT, 0)
    bare.gate(14, KERNEL + 0x400)
    assert bare.machine.step() == Stepped() and bare.rip == KERNEL + 0x400


def test_a_breakpoint_at_a_caught_instruction_stops_first():
    bare = Bare().kernel("nop\nhlt\n")
    catch(bare, Kind.HLT)
    bare.cpu.breakpoints.insert(KERNEL + 1)
    assert bare.run() == Breakpoint(KERNEL + 1)
    assert bare.run() == Caught(1, "hlt")


def test_code_that_ran_before_the_catch_was_set_is_caught():
    bare = Bare().kernel("1: mov %cr0, %rax\nmov %rax, %cr0\ninc %ebx\njmp 1b\n")
    bare.machine.run(budget=10_000)
    number = catch(bare, Kind.CONTROL, 0, 0)
    assert isinstance(bare.run(), Caught) and isinstance(bare.run(), Caught)
    bare.cpu.catches.remove(number)
    bare.machine.run(budget=10_000)
    assert not bare.cpu.catches.hooked_addresses


def test_the_same_catch_twice_and_an_unknown_number():
    bare = Bare()
    catch(bare, Kind.HLT)
    with pytest.raises(Error, match="catch 1 is there already: hlt"):
        catch(bare, Kind.HLT)
    with pytest.raises(Error, match="no catch 7; there are: 1"):
        bare.cpu.catches.remove(7)
    bare.cpu.catches.clear()
    assert bare.cpu.catches.wanted() == {}
    assert catch(bare, Kind.HLT) == 2
