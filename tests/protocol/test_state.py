"""Registers, memory, threads and documents: what is read is what was written, in pieces too."""

import json
from xml.etree import ElementTree

from gdbstub.values import ThreadInfo
from tests.protocol.replies import crc32
from tests.protocol.toy import REGISTERS, Conversation, Displaced


def test_long_reads_are_cut_to_a_packet(talk, target):
    target.read_memory = lambda address, length: bytes(length)
    assert len(talk(b"m1000,ffffffffffffffff")) == 0x20000
    assert len(talk(b"x1000,ffffffffffffffff")) == 0x10001


def test_g_and_G_are_inverse(talk, target):
    target.blocks[1][:] = bytes(index * 7 % 256 for index in range(REGISTERS.length))
    block = talk(b"g")
    assert bytes.fromhex(block.decode()) == target.blocks[1]
    assert talk(b"G" + block) == b"OK"
    assert talk(b"g") == block


def test_p_and_P_agree_with_g(talk, target):
    for slot in REGISTERS.slots[:40]:
        if target.read_register(1, slot.number) is None:
            continue
        value = bytes(range(1, slot.length + 1)).hex().encode()
        assert talk(b"P%x=%s" % (slot.number, value)) == b"OK"
        assert talk(b"p%x" % slot.number) == value
        assert talk(b"g")[2 * slot.offset : 2 * (slot.offset + slot.length)] == value


def test_writes_arrive(talk, target):
    assert talk(b"X2000,4:}#$*") == b"OK"
    assert talk(b"m2000,4") == b"7d23242a"
    assert talk(b"M2001,2:0102") == b"OK"
    assert talk(b"x2000,4") == b"b}\x01\x02*"


def test_threads_have_their_own_registers(talk, target):
    assert talk(b"Hg2") == b"OK"
    assert talk(b"P0=0200000000000000") == b"OK"
    assert talk(b"qC") == b"QC2"
    assert talk(b"Hg1") == b"OK"
    assert talk(b"p0") == b"0000000000000000"
    del target.blocks[2]
    assert talk(b"Hg2") == b"E03"


def test_a_selected_thread_may_die(talk, target):
    talk(b"Hg2")
    del target.blocks[2]
    assert talk(b"g") == b"E03"
    assert talk(b"Hg0") == b"OK"
    assert len(talk(b"g")) == 2 * REGISTERS.length


def test_memory_and_commands_are_those_of_the_selected_thread(talk, target):
    target.read_memory = lambda address, length: bytes((target.selected,)) * length
    assert talk(b"m1000,2") == b"0101"
    talk(b"Hg2")
    assert talk(b"x1000,2") == b"b\2\2"
    for packet in (b"qRcmd," + b"hello".hex().encode(), b"X2000,1:a"):
        target.selected = None
        talk.all(packet)
        assert target.selected == 2
    del target.blocks[2]
    assert talk(b"m1000,2") == b"E03"


def test_a_thread_may_be_called_anything(talk, target):
    target.thread_info = lambda thread: ThreadInfo(thread, '\0"<&\ud800\U0001f4a5', None, "\x1b]]>&")
    names = [element.get("name") for element in ElementTree.fromstring(talk(b"qXfer:threads:read::0,1000")[1:])]
    assert names == ['?"<&?\U0001f4a5'] * 2
    assert b"<" in bytes.fromhex(talk(b"qThreadExtraInfo,1").decode())


def test_tables_of_the_system_are_documents(talk):
    types, ports = (
        ElementTree.fromstring(talk(b"qXfer:osdata:read:%s:0,1000" % annex)[1:]) for annex in (b"", b"ports")
    )
    assert (types.tag, types.get("type"), ports.get("type")) == ("osdata", "types", "ports")
    assert [[(cell.get("name"), cell.text) for cell in row] for row in types] == [
        [("Type", "ports"), ("Description", "I/O ports <of the toy>"), ("Title", "Ports")]
    ]
    assert [[cell.text for cell in row] for row in ports] == [["0x3f8", "serial & co"], ["0x60", "?"]]


def test_a_search_finds_what_lies_across_pieces(talk, target):
    memory = bytearray(3 << 16)
    memory[(1 << 16) - 2 : (1 << 16) + 2] = b"abcd"
    target.read_memory = lambda address, length: bytes(memory[address : address + min(length, 1000)])
    assert talk(b"qSearch:memory:0;30000;abcd") == b"1,fffe"
    assert talk(b"qSearch:memory:0;10001;abcd") == b"0"
    assert talk(b"qCRC:0,30000") == b"C%x" % crc32(bytes(memory))


def test_lldb_reads_threads_as_json(talk):
    first, second = json.loads(talk(b"jThreadsInfo"))
    assert (first["tid"], first["name"], first["reason"], first["signal"]) == (1, "CPU 0", "signal", 5)
    assert first["registers"]["16"] == "0010000000000000"
    assert second["tid"] == 2 and "reason" not in second


def test_long_thread_lists_come_in_parts(talk, target):
    target.threads = lambda: list(range(1, 40_000))
    reply, found = talk(b"qfThreadInfo"), []
    while reply != b"l":
        assert reply[:1] == b"m" and len(reply) <= 0x20000
        found += [int(word, 16) for word in reply[1:].split(b",")]
        reply = talk(b"qsThreadInfo")
    assert found == list(range(1, 40_000))


def test_a_document_does_not_change_between_its_pieces(talk, target):
    first = talk(b"qXfer:threads:read::0,40")
    del target.blocks[2]
    rest = talk(b"qXfer:threads:read::40,1000")
    assert b'id="2"' in first + rest
    assert b'id="2"' not in talk(b"qXfer:threads:read::0,1000")


def test_offsets():
    target = Displaced()
    talk = Conversation(target)
    assert talk(b"qOffsets") == b"Text=1000;Data=2000;Bss=2000"
    target.segments = True
    assert talk(b"qOffsets") == b"TextSeg=1000;DataSeg=2000"
