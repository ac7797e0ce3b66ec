"""Guests that misbehave: the process survives, every run returns, and every error is the guest's own."""

import random

import pytest

from machine.stop import Breakpoint, Exited, Halted, Shutdown, Stepped
from tests.machine.bare import KERNEL, KERNEL_DATA, TO_RING_3, USER, Bare, P, U, W


def test_a_handler_that_faults_at_once_makes_no_progress_and_run_returns():
    guest = Bare().kernel("ud2")
    guest.gate(6, KERNEL, ist=1)
    assert guest.machine.run(1000) is None
    assert guest.machine.position.progress == 0
    assert guest.machine.position.events > 100


def test_a_step_of_a_halt_whose_timer_is_masked_returns():
    setup = "".join(
        f"movb ${value}, %al; outb %al, ${port}\n" for value, port in ((255, 33), (52, 67), (100, 64), (0, 64))
    )
    guest = Bare().kernel(setup + "sti; hlt; hlt")
    for _ in range(20):
        assert guest.step() == Stepped()
    assert guest.cpu.halted


def test_int_on_a_page_that_is_gone_but_in_the_tlb():
    guest = Bare()
    guest.kernel(f"movq $0, {guest.pte_address(KERNEL):#x}; int3; hlt")
    guest.gate(3, KERNEL + 0x1000)
    guest.machine.memory.write(KERNEL + 0x1000, b"\xfa\xf4")
    guest.cpu.breakpoints.insert(KERNEL + 0x1000)
    assert guest.run() == Breakpoint(KERNEL + 0x1000)
    assert guest.stack(1) == [KERNEL + 13]


@pytest.mark.parametrize("ring", [0, 3])
@pytest.mark.parametrize("seed", range(12))
def test_random_bytes_as_code(seed, ring):
    """With handlers that go on behind the fault, so that a seed runs long."""
    choice, guest = random.Random(seed), Bare()
    guest.kernel((TO_RING_3 if ring else f"jmp {USER:#x}") + "\n.org 0x800\nadd $8, %rsp\nincq (%rsp)\niretq")
    guest.map(USER, P | W | (U if ring else 0))
    guest.machine.memory.write(USER, choice.randbytes(4096))
    guest.machine.memory.write(KERNEL_DATA, choice.randbytes(4096))
    for vector in range(32):
        guest.gate(vector, KERNEL + 0x800, dpl=choice.choice((0, 3)), ist=1)
    for _ in range(8):
        stop = guest.machine.run(2000)
        assert stop is None or isinstance(stop, Shutdown | Halted | Exited)
        guest.machine.step()


@pytest.mark.parametrize("seed", range(15))
def test_random_tables(seed):
    """GDT, IDT, TSS and page tables full of noise."""
    choice, guest = random.Random(1000 + seed), Bare()
    guest.kernel("int $0x80; ud2; movq 0x600000, %rax; 1: jmp 1b")
    for table in choice.sample((0x1000, 0x3000, 0x4800, 0x8000, 0x9000, 0xA000), 3):
        noise = bytearray(guest.machine.memory.read(table, 2048))
        for _ in range(choice.randrange(1, 400)):
            noise[choice.randrange(2048)] = choice.randrange(256)
        guest.machine.memory.write(table, bytes(noise))
    for _ in range(20):
        stop = guest.machine.run(2000)
        assert stop is None or isinstance(stop, Shutdown | Halted | Exited)
        guest.machine.step()
