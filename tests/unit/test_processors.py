"""Several processors as the product has them: what is of one alone is refused in words."""

import pytest

from gdbstub.errors import TargetError
from machine import snapshot
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
