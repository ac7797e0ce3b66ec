"""Threads of several processes: ids with a process, breakpoints of one process, registers that nobody knows."""

import pytest

from tests.protocol.toy import REGISTERS, RIP, Conversation, ToyTarget

HELLO = b"qSupported:multiprocess+;swbreak+;hwbreak+"
HERE = b"10:0010000000000000;07:0000000000000000;06:0000000000000000;12:10000000;11:00000000;"


class ToyProcesses(ToyTarget):
    """Processor 1 belongs to process 0x10, which stands for all, and processor 2 to process 0x20."""

    unknown = ()
    several = True

    def has_processes(self):
        return self.several

    def process_of(self, thread):
        return 0x10 * thread

    def is_common(self, process):
        return process == 0x10

    def unknown_registers(self, thread):
        return self.unknown if thread == 2 else ()


@pytest.fixture
def target():
    return ToyProcesses()


@pytest.fixture
def talk(target):
    talk = Conversation(target)
    assert b"multiprocess+" in talk(HELLO)
    return talk


# fmt: off
ROWS = [
    (b"?",               b"T05thread:p10.1;core:0;" + HERE),
    (b"qC",              b"QCp10.1"),
    (b"qfThreadInfo",    b"mp10.1,p20.2"),
    (b"Tp20.2",          b"OK"),
    (b"Tp10.2",          b"E03"),
    (b"T2",              b"OK"),
    (b"Hgp20.2",         b"OK"),
    (b"Hgp20.0",         b"OK"),
    (b"Hgp20.-1",        b"OK"),
    (b"Hgp30.0",         b"E03"),
    (b"Hg0",             b"OK"),
    (b"Hgp0.0",          b"OK"),
    (b"vCont;s:p10.-1",  b"T05thread:p10.1;core:0;" + HERE.replace(b"10:00", b"10:01")),
    (b"vCont;s:p20.2",   b"T05thread:p20.2;core:1;" + HERE.replace(b"10:00", b"10:01")),
    (b"vCont;s:p20.0",   b"T05thread:p20.2;core:1;" + HERE.replace(b"10:00", b"10:01")),
    (b"vCont;s:p-1.-1",  b"T05thread:p10.1;core:0;" + HERE.replace(b"10:00", b"10:01")),
    (b"vCont;s:p30.-1",  b"E03"),
    (b"c1200",           b"W00;process:10"),
    (b"D;20",            b"OK"),
]
# fmt: on


@pytest.mark.parametrize(("packet", "reply"), ROWS, ids=lambda value: repr(value)[2:24])
def test_reply(talk, packet, reply):
    assert talk(packet) == reply


def test_a_client_that_does_not_know_processes_sees_none(target):
    talk = Conversation(target)
    assert b"multiprocess" not in talk(b"qSupported:swbreak+")
    assert talk(b"qC") == b"QC1"


def test_a_target_without_processes_announces_none(target):
    target.several = False
    talk = Conversation(target)
    assert b"multiprocess" not in talk(HELLO)
    assert talk(b"qfThreadInfo") == b"m1,2"


def test_the_list_of_threads_tells_processes(talk):
    assert b'id="p20.2"' in talk(b"qXfer:threads:read::0,1000")


def test_leaving_one_process_is_not_the_end(talk):
    talk(b"D;20")
    assert talk.session.ended is None and talk.session.detached
    talk(b"D")
    assert talk.session.ended is not None


def test_registers_need_no_description(talk, target):
    core_and_sse = talk(b"g")
    assert len(core_and_sse) == 2 * REGISTERS.length  # the toy has no more
    assert talk(b"G" + core_and_sse) == b"OK"


def test_unknown_registers_are_not_zeros(talk, target):
    target.unknown = (RIP.number,)
    talk(b"Hgp20.2")
    digits = talk(b"g")
    assert digits[2 * RIP.offset : 2 * RIP.offset + 18] == b"x" * 16 + b"00"
    talk(b"Hgp10.1")
    assert b"x" not in talk(b"g")


def hit(talk, thread):
    """What a thread says that runs into the loop."""
    return talk(b"vCont;c:%x" % thread)


def test_a_breakpoint_of_a_process_stops_that_one_alone(talk, target):
    talk(b"Hgp20.0")
    assert talk(b"Z0,1005,1") == b"OK"
    assert target.breakpoints == {0x1005}
    talk.session.receive(b"$vCont;c:1#00".replace(b"#00", b"#%02x" % (sum(b"vCont;c:1") & 0xFF)))
    talk.run(20)
    assert talk.session.running and talk.replies() == []
    talk.session.receive(b"\x03")
    assert b"thread:p10.1" in talk.replies()[0]
    assert b"thread:p20.2" in (reply := hit(talk, 2)) and b"swbreak:;" in reply


def test_a_breakpoint_of_the_common_process_stops_all_and_explains_only_its_own(talk, target):
    talk(b"Hgp10.0")
    talk(b"Z0,1005,1")
    assert b"thread:p20.2" in (reply := hit(talk, 2)) and b"swbreak" not in reply
    assert b"thread:p10.1" in (reply := hit(talk, 1)) and b"swbreak:;" in reply


def test_a_breakpoint_of_two_processes_goes_with_the_second(talk, target):
    for process in (b"10", b"20"):
        talk(b"Hgp%s.0" % process)
        assert talk(b"Z1,1005,1") == b"OK"
    assert talk(b"z1,1005,1") == b"OK" and target.breakpoints == {0x1005}
    assert b"hwbreak" not in hit(talk, 2)
    talk(b"Hgp10.0")
    assert talk(b"z1,1005,1") == b"OK" and not target.breakpoints


def test_a_breakpoint_of_a_process_that_is_gone_can_be_taken_back(talk, target):
    talk(b"Hgp20.0")
    talk(b"Z0,1005,1")
    del target.blocks[2]
    assert talk(b"Hgp20.0") == b"E03"
    assert talk(b"z0,1005,1") == b"OK" and not target.breakpoints
