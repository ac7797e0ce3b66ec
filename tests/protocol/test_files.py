"""vFile, exec-file and auxv on a toy with three files."""

import errno

import pytest

from gdbstub.errors import TargetError
from gdbstub.packets.files import NUMBERS
from tests.protocol.toy import Conversation, ToyTarget

FILES = {"/a": b"hello", "/$}": bytes(range(256)), "/b": b""}


class ToyFiles(ToyTarget):
    asked = None

    def read_file(self, path, process):
        self.asked = process
        if path not in FILES:
            raise TargetError(errno.ENOENT, f"there is no file {path}")
        return FILES[path]

    def read_link(self, path, process):
        if path != "/link":
            raise TargetError(errno.EINVAL, f"{path} is no link")
        return "/a"

    def exec_file(self, process):
        return f"/bin/{process}"

    def auxiliary_vector(self, process):
        return bytes(16)


@pytest.fixture
def target():
    return ToyFiles()


@pytest.fixture
def talk(target):
    return Conversation(target)


def opened(path, flags=0):
    return b"vFile:open:%s,%x,0" % (path.encode().hex().encode(), flags)


def test_a_file_is_read(talk):
    assert talk(opened("/a")) == b"F1"
    assert talk(b"vFile:pread:1,3,1") == b"F3;ell"
    assert talk(b"vFile:pread:1,ffff,3") == b"F2;lo"
    assert talk(b"vFile:pread:1,10,5") == b"F0;"
    assert talk(b"vFile:pread:1,10,ffffffffffffffff") == b"F0;"
    assert talk(b"vFile:close:1") == b"F0"
    assert talk(b"vFile:pread:1,3,1") == b"F-1,9"


def test_binary_data_is_whole(talk):
    talk(opened("/$}"))
    assert talk(b"vFile:pread:1,ffffffff,0") == b"F100;" + FILES["/$}"]


def test_the_length_of_a_file(talk):
    talk(opened("/a"))
    reply = talk(b"vFile:fstat:1")
    assert reply.startswith(b"F40;") and len(reply) == 4 + 64
    assert int.from_bytes(reply[4 + 28 : 4 + 36], "big") == 5


# fmt: off
ROWS = [
    (opened("/c"),                       b"F-1,2"),
    (opened("/a", 1),                    b"F-1,1e"),
    (opened("/a", 0x202),                b"F-1,1e"),
    (b"vFile:open:zz,0,0",               b"E16"),
    (b"vFile:open:",                     b"E16"),
    (b"vFile:pread:7,1,0",               b"F-1,9"),
    (b"vFile:fstat:7",                   b"F-1,9"),
    (b"vFile:close:7",                   b"F-1,9"),
    (b"vFile:readlink:" + b"/link".hex().encode(), b"F2;/a"),
    (b"vFile:readlink:" + b"/a".hex().encode(),    b"F-1,16"),
    (b"vFile:setfs:0",                   b"F0"),
    (b"vFile:setfs:5",                   b"F0"),
    (b"vFile:pwrite:1,0,00",             b""),
    (b"vFile:unlink:2f61",               b""),
    (b"qXfer:exec-file:read:5:0,ffff",   b"l/bin/5"),
    (b"qXfer:exec-file:read:5:0,2",      b"m/b"),
    (b"qXfer:exec-file:read::0,ffff",    b"l/bin/0"),
    (b"qXfer:exec-file:read:x:0,2",      b"E16"),
    (b"qXfer:auxv:read::0,ffff",         b"l" + bytes(16)),
    (b"qXfer:auxv:read::8,4",            b"m" + bytes(4)),
    (b"qXfer:auxv:read::ffff,4",         b"l"),
]
# fmt: on


@pytest.mark.parametrize(("packet", "reply"), ROWS, ids=lambda value: repr(value)[2:34])
def test_reply(talk, packet, reply):
    assert talk(packet) == reply


def test_no_more_files_than_there_are_numbers(talk):
    for number in range(1, 65):
        assert talk(opened("/b")) == b"F%x" % number
    assert talk(opened("/b")) == b"F-1,18"
    talk(b"vFile:close:5")
    assert talk(opened("/b")) == b"F5"


def test_a_process_may_be_chosen(talk, target):
    talk(b"vFile:setfs:5")
    talk(opened("/a"))
    assert target.asked == 5
    talk(b"vFile:setfs:0")
    talk(opened("/a"))
    assert target.asked is None


def test_errors_have_the_protocols_numbers():
    assert NUMBERS[errno.ENOENT] == 2 and NUMBERS[errno.ENAMETOOLONG] == 91


def test_a_target_without_files_has_no_packets():
    assert Conversation(ToyTarget())(opened("/a")) == b""
