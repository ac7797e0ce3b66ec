"""The APICs in a guest, through memory: interrupts, all kinds of access, watchpoints, a debugger's looks."""

import pytest

from machine.clock import KICK
from machine.devices.localapic import LOCAL_APIC
from machine.errors import MemoryFault
from machine.stop import Access, Halted, Watchpoint
from machine.watchpoints import Watch
from tests.machine.bare import KERNEL, NX, Bare, P, W
from tests.machine.test_apic import DIVIDE, EOI, ICR, INITIAL, ISR, SVR, TIMER, TPR

APIC, IO = 0x300000, 0x301000
HANDLER = KERNEL + 0x800


def guest(code, handler="hlt"):
    bare = Bare().kernel(f"{code}\n.org 0x800\n{handler}")
    bare.map(APIC, P | W | NX, LOCAL_APIC)
    bare.map(IO, P | W | NX, 0xFEC00000)
    for vector in (0x40, 0x41):
        bare.gate(vector, HANDLER)
    return bare


def store(offset, value, base=APIC):
    return f"movl ${value:#x}, {base + offset:#x}\n"


def test_the_timer_wakes_a_halted_processor():
    bare = guest(store(DIVIDE, 11) + store(TIMER, 0x40) + store(INITIAL, 25_000_000) + "sti; hlt; nop")
    assert isinstance(bare.run(), Halted)
    assert bare.rip == HANDLER + 1
    assert 1_000_000_000 <= bare.machine.clock.now() < 1_000_000_000 + 2 * KICK


def test_handlers_nest_by_priority_and_end():
    handler = f"incl %ebx; movl {APIC + ISR + 0x20:#x}, %edx; {store(EOI, 0)}; iretq"
    bare = guest("sti;" + store(ICR, 0x40041) + "1: cmpl $1, %ebx; jne 1b; cli; hlt", handler)
    bare.run()
    assert (bare.reg("rbx"), bare.reg("rdx")) == (1, 2)


def test_a_serial_interrupt_through_the_io_apic():
    code = store(0, 0x18, IO) + store(0x10, 0x40, IO)
    code += (
        "movw $0x3fc, %dx; movb $8, %al; outb %al, %dx; movw $0x3f9, %dx; movb $2, %al; outb %al, %dx; sti; 1: jmp 1b"
    )
    bare = guest(code)
    assert isinstance(bare.run(), Halted)
    assert bare.rip == HANDLER + 1


def test_flags_live_through_an_access_also_behind_a_breakpoint():
    code = f"movl $1, %ecx; cmpl $2, %ecx; 1: movl {APIC + SVR:#x}, %eax; setb %bl; hlt"
    for armed in (False, True):
        bare = guest(code)
        if armed:
            bare.cpu.breakpoints.insert(KERNEL + 8)
            bare.machine.run()
            assert bare.rip == KERNEL + 8
        bare.run()
        assert (bare.reg("rax"), bare.reg("rbx")) == (0x1FF, 1)


def test_an_instruction_that_reads_and_writes_does_each_once():
    bare = guest(f"orl $0x20, {APIC + TPR:#x}; movl $3, %ecx; movl ${IO + 0x10:#x}, %edi; rep stosl; hlt")
    seen = watch_device(bare.machine.interrupts.local_apic)
    stored = watch_device(bare.machine.interrupts.io_apic)
    bare.run()
    assert seen == [("read", TPR), ("write", TPR)]
    assert stored == [("write", 0x10), ("write", 0x14), ("write", 0x18)]


def watch_device(device):
    seen, read, write = [], device.read_memory, device.write_memory

    def reading(offset, size):
        seen.append(("read", offset))
        return read(offset, size)

    def writing(offset, value, size):
        seen.append(("write", offset))
        write(offset, value, size)

    device.read_memory, device.write_memory = reading, writing
    return seen


@pytest.mark.parametrize(
    ("code", "access", "seen"),
    [
        (f"movl $0x20, {APIC + TPR:#x}", Access.WRITE, ["write"]),
        (f"movl {APIC + TPR:#x}, %eax", Access.READ, ["read"]),
        (f"orl $0x20, {APIC + TPR:#x}", Access.ANY, ["read", "write"]),
    ],
)
def test_a_watched_register_is_accessed_once(code, access, seen):
    bare = guest(f"nop; {code}; hlt")
    found = watch_device(bare.machine.interrupts.local_apic)
    bare.cpu.watchpoints.insert(Watch(access, APIC + TPR, 4))
    stop = bare.machine.run()
    assert isinstance(stop, Watchpoint) and stop.address == APIC + TPR
    assert [kind for kind, _ in found] == seen
    assert isinstance(bare.run(), Halted)
    assert [kind for kind, _ in found] == seen


def test_a_debugger_does_not_touch_devices():
    bare = guest("hlt")
    seen = watch_device(bare.machine.interrupts.local_apic)
    for look in (
        lambda: bare.machine.read_linear(APIC + SVR, 4),
        lambda: bare.machine.write_linear(APIC + SVR, b"1234"),
        lambda: bare.machine.memory.read(LOCAL_APIC, 4),
    ):
        with pytest.raises(MemoryFault, match="outside RAM"):
            look()
    assert seen == []


def test_what_lies_around_the_windows_is_open_bus():
    bare = guest("movl 0x302000, %eax; movl 0x303ffc, %ebx; movl %eax, 0x302000; hlt")
    bare.map(0x302000, P | W | NX, 0xFEE01000)
    bare.map(0x303000, P | W | NX, 0xFEBFF000)
    bare.run()
    assert (bare.reg("rax"), bare.reg("rbx")) == (0xFFFFFFFF, 0xFFFFFFFF)
