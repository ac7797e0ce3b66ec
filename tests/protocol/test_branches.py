"""The branch trace: how it is asked for, and how its blocks are written."""

import re

import pytest

from gdbstub.values import BranchBlock
from tests.protocol.toy import Conversation, ToyTarget

ON = b"Qbtrace:bts"
READ = b"qXfer:btrace:read:%s:0,ffff"

# fmt: off
ROWS = [
    (b"Qbtrace:bts",                        b"OK"),
    (b"Qbtrace:off",                        b"E3d"),
    (b"Qbtrace:pt",                         b""),
    (b"Qbtrace-conf:bts:size=1000",         b"OK"),
    (b"Qbtrace-conf:bts:size=0x1000",       b"OK"),
    (b"Qbtrace-conf:bts:size=",             b"E16"),
    (b"Qbtrace-conf:bts:size=0x",           b"E16"),
    (b"Qbtrace-conf:bts:size=-1",           b"E16"),
    (b"Qbtrace-conf:bts:size=1_0",          b"E16"),
    (b"Qbtrace-conf:pt:size=1000",          b""),
    (b"qXfer:btrace-conf:read::0,1000",     b"E3d"),
    (b"qXfer:btrace-conf:read:x:0,1000",    b""),
    (b"qXfer:btrace-conf:read::0",          b"E16"),
    (b"qXfer:btrace:read:all:0,1000",       b"E3d"),
    (b"qXfer:btrace:read:some:0,1000",      b"E16"),
    (b"qXfer:btrace:read:all:0",            b"E16"),
]
# fmt: on


class ToyBranches(ToyTarget):
    """Remembers what it was asked for; ``ran`` is the trace, ``new`` what came since it was read."""

    def __init__(self):
        super().__init__()
        self.rooms = {}
        self.ran = self.new = [BranchBlock(0x1000, 0x1000)]

    def record_branches(self, thread, length):
        self.rooms[thread] = length

    def forget_branches(self, thread):
        del self.rooms[thread]

    def branch_room(self, thread):
        return self.rooms.get(thread)

    def branches(self, thread):
        return self.ran

    def new_branches(self, thread):
        return self.new


@pytest.fixture
def target():
    return ToyBranches()


@pytest.mark.parametrize(("packet", "reply"), ROWS, ids=lambda value: repr(value)[2:40])
def test_reply(talk, packet, reply):
    assert talk(packet) == reply


def blocks(reply):
    assert reply.startswith(b"l") and b'<btrace version="1.0">' in reply
    return [(int(begin, 16), int(end, 16)) for begin, end in re.findall(rb'<block begin="(.*?)" end="(.*?)"/>', reply)]


def test_all_of_it_is_announced(talk):
    features = talk(b"qSupported").split(b";")
    for word in (b"Qbtrace:bts+", b"Qbtrace:off+", b"Qbtrace-conf:bts:size+", b"qXfer:btrace:read+"):
        assert word in features
    assert b"qXfer:btrace-conf:read+" in features
    assert Conversation(ToyTarget())(ON) == b""


def test_each_thread_is_recorded_by_itself(talk, target):
    assert [talk(packet) for packet in (ON, ON, b"Hg2", ON, b"Qbtrace:off", b"Qbtrace:off")] == [
        *(b"OK", b"E10", b"OK", b"OK", b"OK", b"E3d")
    ]
    assert target.rooms == {1: 0x10000}


@pytest.mark.parametrize(("asked", "room"), [(b"0x2000", 0x2000), (b"0", 1 << 24), (b"ffffffffff", 1 << 24)])
def test_the_room_is_what_was_asked_for(talk, target, asked, room):
    talk(b"Qbtrace-conf:bts:size=" + asked)
    talk(ON)
    assert b'<bts size="%#x"/>' % room in talk(b"qXfer:btrace-conf:read::0,1000")
    assert target.rooms == {1: room}


def test_the_newest_block_comes_first(talk, target):
    talk(ON)
    target.ran = [BranchBlock(0x1000, 0x1009), BranchBlock(0x1000, 0x1002)]
    assert blocks(talk(READ % b"all")) == [(0x1000, 0x1002), (0x1000, 0x1009)]


def test_delta_goes_on_in_the_clients_last_block(talk, target):
    talk(ON)
    target.new = [BranchBlock(0x1002, 0x1009), BranchBlock(0x1000, 0x1005)]
    assert blocks(talk(READ % b"delta")) == [(0x1000, 0x1005), (0, 0x1009)]
    target.new = [BranchBlock(0x1005, 0x1005)]
    assert blocks(talk(READ % b"delta")) == [(0, 0x1005)]
    target.new = None
    assert talk(READ % b"delta") == b"E4b"


def test_new_is_all_if_there_is_any(talk, target):
    talk(ON)
    target.ran = [BranchBlock(0x1000, 0x1009), BranchBlock(0x1000, 0x1002)]
    target.new = [BranchBlock(0x1002, 0x1002)]
    assert blocks(talk(READ % b"new")) == []
    target.new = None
    assert blocks(talk(READ % b"new")) == [(0x1000, 0x1002), (0x1000, 0x1009)]


def test_pieces_are_of_one_document(talk, target):
    talk(ON)
    target.ran = [BranchBlock(0x1000, 0x1009)] * 200
    document = talk(b"qXfer:btrace:read:all:0,1000")[1:]
    target.ran = []
    reply = talk(b"qXfer:btrace:read:all:%x,ffff" % len(document))
    assert len(blocks(b"l" + document + reply[1:])) == 200 and len(document) == 0x1000
