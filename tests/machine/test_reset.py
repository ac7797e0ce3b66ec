"""The four ways by which a guest restarts a PC, and PCI configuration, which has one of them in its middle."""

import pytest

from machine.stop import Reset, Shutdown
from tests.machine.bare import Bare


def out(port, value, kind="b"):
    register = {"b": "al", "l": "eax"}[kind]
    return f"movw ${port:#x}, %dx; mov{kind} ${value:#x}, %{register}; out{kind} %{register}, %dx\n"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (out(0x64, 0xFE), "the keyboard controller"),
        (out(0x64, 0xD1) + out(0x60, 0xDE), "the keyboard controller"),
        (out(0xCF9, 0x02) + out(0xCF9, 0x06), "port 0xcf9"),
        (out(0xCF9, 0x0E), "port 0xcf9"),
        (out(0x92, 0x01), "port 0x92"),
    ],
)
def test_a_restart_is_a_stop_that_lasts(code, cause):
    guest = Bare().kernel(code + "1: jmp 1b")
    assert guest.run() == Reset(cause)
    assert guest.machine.run() == Reset(cause)
    assert guest.machine.step() == Reset(cause)


def test_what_is_no_restart():
    guest = Bare().kernel(
        out(0xCF9, 0x02) + out(0x92, 0x02) + out(0x64, 0xFF) + out(0xCF8, 0x0600, "l") + "int $3; ud2"
    )
    assert isinstance(guest.run(), Shutdown), "a triple fault is told with its chain"


def test_pci_configuration_finds_nothing():
    guest = Bare().kernel(
        out(0xCF8, 0x80001234, "l")
        + "inl %dx, %eax; movl %eax, %ebx\n"
        + out(0xCFB, 0x01)
        + "movw $0xcf8, %dx; inl %dx, %eax; movl %eax, %ecx\n"
        + "movw $0xcfc, %dx; inl %dx, %eax; movl %eax, %esi; movw $0xcfe, %dx; inw %dx, %ax; movzwl %ax, %edi\n"
        + out(0xCF9, 0x02)
        + "inb %dx, %al; movzbl %al, %ebp; movw $0x92, %dx; inb %dx, %al; movzbl %al, %eax; hlt"
    )
    guest.run()
    registers = [guest.reg(name) for name in ("rbx", "rcx", "rsi", "rdi", "rbp", "rax")]
    assert registers == [0x80001234, 0x80001234, 0xFFFFFFFF, 0xFFFF, 2, 2]
    assert not guest.machine.ports.unanswered
