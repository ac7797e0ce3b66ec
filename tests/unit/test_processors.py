"""Several processors as the product has them: what is of one alone is refused in words."""

import pytest

from gdbstub.errors import TargetError
from gdbstub.stopreply import Signal
from gdbstub.target import CONTINUE, STEP
from machine import snapshot
from machine.boot.entry import protected_mode
from machine.machine import Machine
from machine.snapshot import SnapshotError
from ringscope.target import MachineTarget


@pytest.fixture(scope="module")
def machine():
    return Machine(1 << 20, cpus=2)


def test_branches(machine):
    with pytest.raises(TargetError, match="--cpus 2: branches are recorded on one processor alone"):
        MachineTarget(machine).record_branches(1, 64)


def test_snapshots(machine, tmp_path):
    with pytest.raises(SnapshotError, match="--cpus 2: a snapshot keeps one processor alone"):
        snapshot.save(machine, tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_a_snapshot_of_one_is_not_loaded_into_two(machine, tmp_path):
    snapshot.save(Machine(1 << 20), tmp_path / "file")
    with snapshot.opened(tmp_path / "file") as found, pytest.raises(SnapshotError, match="--cpus 2"):
        snapshot.load(machine, found)


def test_registers_are_of_their_thread(machine):
    target = MachineTarget(machine)
    machine.cpus[1].write_register("rbx", 77)
    slot = next(slot for slot in target.registers.slots if slot.register.name == "rbx")
    assert [target.read_register(thread, slot.number)[0] for thread in target.threads()] == [0, 77]
    target.write_register(1, slot.number, (5).to_bytes(8, "little"))
    assert [target.read_registers(thread)[slot.offset] for thread in target.threads()] == [5, 77]


def test_a_stop_between_slices_is_of_the_thread_whose_turn_it_is():
    machine = Machine(1 << 20, cpus=2, quantum=1000)
    machine.memory.write(0x1000, b"\xeb\xfe")
    for cpu in machine.cpus:
        protected_mode(cpu, 0x1000, {})
    target, seen = MachineTarget(machine), set()
    target.resume(dict.fromkeys(target.threads(), CONTINUE))
    for _ in range(40):
        machine.run(777)
        stop = target.interrupt()
        assert stop.signal is Signal.INT and stop.thread == machine.cpu.number + 1
        seen.add((stop.thread, stop.core))
    assert seen == {(1, 0), (2, 1)}


def test_a_step_waits_for_the_thread_to_have_its_turn():
    machine = Machine(1 << 20, cpus=2)
    machine.memory.write(0x1000, b"\x40\xeb\xfd")
    for cpu in machine.cpus:
        protected_mode(cpu, 0x1000, {})
    target = MachineTarget(machine)
    target.resume({2: STEP, 1: CONTINUE})
    while (stop := target.run_slice()) is None:
        pass
    assert stop.thread == 2
    assert [cpu.read_register("rax") > 1000 for cpu in machine.cpus] == [True, False]
    assert (machine.cpus[1].read_register("rax"), machine.cpus[1].linear_pc) == (1, 0x1001)
