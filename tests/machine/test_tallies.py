"""What is counted of deliveries and ways into ring 0: the same on both engines, and truly."""

from machine.delivery.event import Source
from machine.tallies import Delivered
from tests.machine.bare import with_ways_in

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
    bare = with_ways_in(USER_CODE)
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
