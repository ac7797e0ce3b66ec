"""What is counted of deliveries and ways into ring 0: the same on both engines, and truly."""

from machine.delivery.event import Source
from machine.tallies import Delivered
from tests.machine.bare import EXIT, KERNEL, TO_RING_3, USER_CS, Bare

HANDLERS = f"""
    jmp start
.org 0x100
    addq $2, (%rsp)         # behind UD2
    iretq
.org 0x140
    iretq                   # INT 0x80
.org 0x180
    sysretq
.org 0x1c0
    {EXIT}
start:
{TO_RING_3}
"""
USER_CODE = """
    mov $3, %ebx
again:
    ud2
    int $0x80
    int $0x80
    syscall
    dec %ebx
    jnz again
    hlt                     # #GP: the end
"""


def guest():
    bare = Bare().kernel(HANDLERS).user(USER_CODE)
    bare.gate(6, KERNEL + 0x100)
    bare.gate(0x80, KERNEL + 0x140, dpl=3)
    bare.gate(13, KERNEL + 0x1C0)
    bare.cpu.write_register("star", (USER_CS - 16) << 48 | 0x10 << 32)
    bare.cpu.write_register("lstar", KERNEL + 0x180)
    bare.cpu.write_register("fmask", 0)
    return bare


def test_deliveries_and_ways_into_ring_0_are_counted():
    bare = guest()
    bare.run()
    tallies = bare.cpu.progress.tallies
    assert list(tallies.deliveries()) == [
        Delivered(6, Source.EXCEPTION, 3, 3),
        Delivered(13, Source.EXCEPTION, 1, 1),
        Delivered(0x80, Source.SOFTWARE, 6, 6),
    ]
    assert dict(tallies.ways_in()) == {"exception": 4, "INT n": 6, "interrupt": 0, "SYSCALL": 3, "SYSENTER": 0}


def test_counting_is_no_part_of_the_machine():
    bare, other = guest(), guest()
    other.cpu.progress.tallies.system_call(crossed=True)
    assert bare.machine.save() == other.machine.save()
    bare.run(), other.run()
    assert bare.digest() == other.digest()
