"""What commands refuse, and in which words."""

import pytest

from ringscope.local import LocalDebuggee
from ringscope.session import CommandError, Front, Session
from tests.unit.handassembled import OFFSETS, SYMBOLS, FakeSymbols, guest, lines, text

NO_NAMES = ("../a", "a/b", ".a", "..", "/etc/x", "\0", "\u00e4", "a" * 101)
MISTAKES = [
    ("run-to x", "POSITION: 'x' is no position: give bytes of code, or bytes,events, as in 1324943,3"),
    ("stop-at 1,2,3", "POSITION: '1,2,3' is no position"),
    ("snapshot", "snapshot what? One of: list, load, save"),
    ("snapshot save", "NAME is missing"),
    *((f"snapshot save {name}", f"NAME: {name!r} is no name") for name in NO_NAMES),
    ("snapshot load none", "none.snapshot cannot be read: No such file or directory"),
    ("foo", "no command 'foo'; `help` lists what there is"),
    ("contnue", "no command 'contnue'; did you mean continue?"),
    ("brea x y", "'brea' may be break, breakpoints"),
    ("info", "info what? One of: apic, clock, devices, ioapic, mem, pic, pit, ports, registers, serial"),
    ("info p", "'p' may be pic, pit, ports"),
    ("info zip", "no info topic 'zip'"),
    ("x", "ADDRESS is missing: x[/FORMAT] ADDRESS [COUNT] [b|h|w|g]"),
    ("x 0x900000", "0x900000: not mapped"),
    ("x start 0", "COUNT: '0' is 0, not a count from 1"),
    ("x start 1 q", "SIZE: 'q' is none of b, h, w, g"),
    ("x start 1 w w", "'w' is too much"),
    ("x/zz start", "/zz is no format"),
    ("x/0x start", "/0x: 0 is not a count from 1"),
    ("x/99999999x start", "99999999 is not a count from 1"),
    ("gdt/x", "/x is too much"),
    ("x nowhere", "ADDRESS: no symbol 'nowhere'"),
    ("x rip", "no symbol 'rip'; the register is $rip"),
    ("x $bad", "no register $bad in the machine in this process"),
    ("x ff00", "no symbol 'ff00'; the number is 0xff00"),
    ("x 12zz", "'12zz' is no number"),
    ("x 10f", "'10f' is no number; hexadecimal needs 0x: 0x10f"),
    ("x (1+2", "')' is missing in '(1+2'"),
    ("x 1+", "'1+' ends too early"),
    ("x 1)", "')' was not expected"),
    ("x @", "'@' in '@' is no number, $register or symbol"),
    ("x [0x900000]", "0x900000: not mapped"),
    ("xp 0xffffff0000", "0xffffff0000: physical address is outside RAM"),
    ("xp/i 0", "xp shows no instructions: use x"),
    ("write data zz", "'zz' is neither bytes in hexadecimal nor text"),
    ("write 0x900000 90", "0x900000: not mapped"),
    ("writep 0xffffff0000 90", "physical address is outside RAM"),
    ("set nothing 1", "REGISTER: no register 'nothing'"),
    ("set cs 0x1000", "selector 0x1000 is beyond its table's limit 0x4f"),
    ("set cr8 1", "cr8 cannot be set to 0x1"),
    ("set cs 0x1ffffffff", "0x1ffffffff does not fit in the 32 bits of cs"),
    ("regs zmm0", "'zmm0' is no register"),
    ("continue 0", "'0' is 0, not a time from 1"),
    ("delete 7", "no breakpoint or watch '7'; there are: none"),
    ("watch data 5000", "5000 bytes are too many for a watch: 4096 at most"),
    ("selector 0x10000", "0x10000 is no selector: it has more than 16 bits"),
    ("selector 0x80", "0x80 lies beyond the GDT's limit 0x4f"),
    ("error 0 ud", "#UD Invalid Opcode pushes no error code"),
    ("error 0 256", "VECTOR: '256' is 0x100; vectors end at 255"),
    ("error 0x100000000", "it has more than 32 bits"),
    ("pte 1 pxe", "no level 'pxe' in 4-level paging: pgd (pml4)"),
    ("sym 5", "0x5 belongs to no symbol"),
    ("symbols (", "no symbol's name holds '('"),
    ("symbols zzz", "no symbol's name holds 'zzz'"),
    ("task 0x900000", "no task can be read: 0x900000"),
    ("frame 0x900000", "0x900000: not mapped"),
    ("console", "console needs a terminal; `serial TEXT` types a line without one"),
    ("keyboard né", "the keyboard has no key for 'é'"),
    ("monitor info", "monitor needs a remote stub with commands of its own"),
    ("help foo", "no command 'foo'"),
    ("catch ring 4-0", "CHANGE: '4-0' is no change of ring"),
    ("catch port 0x10000", "PORTS: '0x10000' goes to 0x10000; ports end at 0xffff"),
    (
        "catch mmio 0-0x10000000000000",
        "ADDRESSES: '0-0x10000000000000' goes to 0x10000000000000; physical addresses end at",
    ),
    ("catch msr 0x100000000", "NUMBER: '0x100000000' goes to 0x100000000; MSRs end at 0xffffffff"),
    ("x 0x1ffffffffffffffff", "ADDRESS: 0x1ffffffffffffffff has more than 64 bits"),
    ("catch port 9-3", "PORTS: '9-3' is no range: 0x3 is below 0x9"),
    ("catch cr 1", "REGISTER: '1' is no control register: there are 0, 2, 3, 4 and 8"),
    ("catch delete 7", "no catch 7; there are: none"),
    ("catch delete x", "'x' is no number of a catch"),
    ("catch msr foo", "NUMBER: no symbol 'foo'"),
    ("view-memory physical", "type it as `monitor view-memory` in gdb"),
    ("step-policy x", "POLICY: 'x' is none of raw, mask-interrupts, over-exceptions"),
    ("os foo", "no table 'foo'; there are: "),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_sentence(session, line, message):
    with pytest.raises(CommandError) as caught:
        lines(session, line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_same_point_twice(session):
    lines(session, "b store")
    with pytest.raises(CommandError, match="point 1 is there already"):
        lines(session, "b store")


def test_a_broken_list_of_tasks_ends(session):
    machine = session.debuggee.machine
    second = SYMBOLS["second"]
    machine.memory.write(second + OFFSETS["tasks"], (second + OFFSETS["tasks"]).to_bytes(8, "little"))
    with pytest.raises(CommandError, match="not back to its head"):
        lines(session, "tasks")


def test_without_symbols_commands_say_so():
    session = Session(LocalDebuggee(guest().machine))
    for line, message in (
        ("tasks", "no symbols are loaded"),
        ("x main", "no symbols are loaded"),
        ("symbols", "no symb"),
    ):
        with pytest.raises(CommandError, match=message):
            lines(session, line)
    assert lines(session, "where")[-1] == "=> 0x100000  90  nop"


def test_monitor_refuses_what_gdb_does_itself():
    session = Session(LocalDebuggee(guest().machine), FakeSymbols(), front=Front.MONITOR)
    for line in ("continue", "step", "break store", "set rax 1", "quit", "console", "until store"):
        with pytest.raises(CommandError, match="makes no sense in monitor"):
            lines(session, line)
    assert session.debuggee.machine.position == (0, 0)
    said = text(session, "help")
    assert "info pic" in said and "continue" not in said
    assert "Not in monitor" in text(session, "help step")


def test_the_past_is_refused_in_words(session):
    lines(session, "step")
    for line in ("run-to 0", "stop-at 0,5"):
        with pytest.raises(CommandError, match="is behind: the machine is at 1,0, and it cannot go back"):
            lines(session, line)
    assert session.debuggee.machine.goal is None


def test_a_broken_snapshot_is_listed_and_refused_and_nothing_changes(session, tmp_path):
    lines(session, "snapshot save broken")
    (path,) = tmp_path.rglob("*.snapshot")
    path.write_bytes(path.read_bytes()[:-1])
    lines(session, "step")
    with pytest.raises(CommandError, match=r"broken\.snapshot is no usable snapshot: it is cut short in its checksum"):
        lines(session, "snapshot load broken")
    assert session.debuggee.position == (1, 0)
    path.write_bytes(b"x")
    assert "it does not begin as one" in text(session, "snapshot list")
