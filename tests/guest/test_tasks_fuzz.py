"""Random and mutated packets at a machine whose threads are tasks, also while they are overwritten."""

import random

import pytest

from gdbstub.protocol import TABLE
from gdbstub.session import Session
from ringscope.configuration import TASKS
from ringscope.serve import make_target
from tests.guest.places import at_the_prompt
from tests.unit.test_target_fuzz import READS, RUNS, WRITES, Talk, mutated


def hexed(text):
    return text.encode().hex().encode()


ASKED = [
    b"qSupported:multiprocess+;swbreak+", b"qSupported:swbreak+", b"Hgp1.1", b"Hgp3.3", b"Hgp3.0", b"Hgp400000.400001",
    b"Hgp-1.-1", b"g", b"p10", b"qfThreadInfo", b"qXfer:threads:read::0,ffff", b"vCont;s:p3.3", b"vCont;c:p1.-1",
    b"Z0,401000,1", b"z0,401000,1", b"m401000,40", b"D;3", b"QCatchSyscalls:1", b"QCatchSyscalls:1;1;3d",
    b"QCatchSyscalls:0", b"vFile:setfs:3", b"vFile:open:%s,0,0" % hexed("/proc/3/maps"), b"vFile:pread:1,fff,0",
    b"vFile:open:%s,0,0" % hexed("/bin/sh"), b"vFile:close:1", b"vFile:fstat:1", b"P0f=0000000000000000",
    b"vFile:readlink:%s" % hexed("/proc/self/exe"), b"qXfer:exec-file:read:3:0,fff", b"qXfer:auxv:read::0,fff",
    b"qXfer:osdata:read:processes:0,fff", b"qXfer:osdata:read:files:0,fff", b"qRcmd," + hexed("view cpu"),
    b"qRcmd," + hexed("view tasks"), b"qRcmd," + hexed("tasks"), b"X401000,2:ab",
]  # fmt: skip


class TaskTalk(Talk):
    def __init__(self):
        self.guest = at_the_prompt()
        self.target = make_target(self.guest, TASKS)
        self.begin()

    def begin(self):
        self.said = bytearray()
        self.session = Session(self.target, self.said.extend, table=TABLE)


@pytest.mark.parametrize("seed", [1, 2])
def test_packets(seed):
    choice = random.Random(seed)
    talk = TaskTalk()
    for _ in range(1500):
        packet = mutated(choice, choice.choice(choice.choice((ASKED, READS, RUNS, WRITES))))
        if not packet.startswith((b"k", b"vKill")):
            talk.send(packet)
    assert b"$" in talk.send(b"qfThreadInfo")


@pytest.mark.parametrize("seed", [3, 4])
def test_packets_while_the_kernels_structures_are_overwritten(seed):
    """Random words in the tasks and in what they point to; the guest does not run."""
    choice = random.Random(seed)
    talk = TaskTalk()
    kernel = talk.guest.running_kernel
    size = kernel.symbols.size_of("struct task_struct")
    first = kernel.variable("init_task", "struct task_struct").address
    places = [first, first, *(kernel.number_at(kernel.address_of("current_task")) for _ in range(2))]
    for _ in range(300):
        at = choice.choice(places) + 8 * choice.randrange(size // 8)
        word = choice.choice((0, 1, choice.getrandbits(64), first, choice.choice(places) + 8 * choice.randrange(64)))
        kernel.memory.write(at, word.to_bytes(8, "little"))
        talk.target.forget()
        for packet in choice.sample(ASKED, 5):
            if not packet.startswith((b"vCont", b"X", b"P")):
                talk.send(packet)
