"""What a snapshot keeps of devices, clock and machine: saved, loaded into a fresh one, the same answers."""

import copy
import json

import pytest

from machine.bios import firmware
from machine.clock import NEVER
from machine.devices.device import Stateful
from machine.devices.pic import PicPair
from machine.devices.pit import Pit
from machine.devices.serial import Serial
from machine.errors import Error
from machine.machine import Machine
from machine.stop import Exited, Reset
from tests.machine.stopwatch import Time

SIZE = 1 << 20


def through_json(state):
    return json.loads(json.dumps(state))


def busy():
    """A machine whose devices have all been used."""
    machine = Machine(SIZE)
    for port, value in (
        *((0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 3), (0x21, 0xE0), (0x20, 0xA0), (0x20, 0x0B)),
        *((0xA0, 0x19), (0xA1, 0x38), (0xA1, 2)),  # in the middle of its initialization
        *((0x43, 0x34), (0x40, 100), (0x40, 0), (0x43, 0xB1), (0x42, 0x55)),  # half a BCD count
        *((0x43, 0xC2), (0x61, 3), (0x70, 0x15), (0x71, 9), (0x80, 0x42), (0x3F9, 3), (0x3FA, 1), (0x3FB, 3)),
        *((0x92, 2), (0x64, 0x65), (0x60, 0xED), (0x64, 0xD1), (0x60, 0xF0)),
        *((0x4D0, 8), (0x4D1, 2), (0x602, 1), (0x604, 6)),
        *((0x3FC, 0x1B), (0x3F8, 0x5A), (0x3FF, 0xA5), (0xCF8, 1)),
    ):
        machine.write_port(port, value, 1)
    machine.interrupts.local_apic.accept(0x52, level=True)
    for offset, value in ((0x80, 0x20), (0xD0, 1 << 24), (0x300, 0x40441), (0x320, 0x20061), (0x3E0, 11), (0x380, 777)):
        machine.interrupts.local_apic.write_memory(offset, value, 4)
    for index, value in ((0, 5 << 24), (0x18, 0x8034), (0x19, 0xFF << 24), (0x10, 0x10700)):
        machine.interrupts.io_apic.write_memory(0, index, 4)
        machine.interrupts.io_apic.write_memory(0x10, value, 4)
    machine.power.press_power_button()
    machine.write_port(0xCF8, 0x80000800, 4)
    machine.i8042.keyboard.press(bytes.fromhex("1c f0"))
    machine.serial.receive(b"\0waiting\xff")
    machine.clock.warp = 12345
    return machine


def answers(machine):
    """All that the ports say, one after the other; reading changes some."""
    ports = sorted(machine.ports.owners())
    apic = [machine.interrupts.local_apic.read_memory(offset, 4) for offset in range(0, 0x400, 16)]
    return [machine.ports.read(port, 1) for _ in range(4) for port in ports], apic, machine.clock.next


def test_a_loaded_machine_gives_the_same_answers():
    machine, copied = busy(), Machine(SIZE)
    copied.load(through_json(machine.save()))
    assert copied.save() == machine.save()
    assert answers(copied) == answers(machine)
    assert answers(copied) != answers(Machine(SIZE))
    assert copied.save() == machine.save(), "also after the reads"


def test_saving_changes_nothing():
    machine = busy()
    before = machine.save()
    assert machine.save() == before
    assert answers(machine) == answers(busy())


def test_all_devices_can_be_saved():
    machine = Machine(SIZE)
    firmware.install(machine)
    behind_ports = {device for device, _ in machine.ports.owners().values()}
    chips = {machine.pic.master, machine.pic.slave}
    assert behind_ports - chips <= set(machine.devices.values())
    assert all(isinstance(device, Stateful) for device in machine.devices.values())


def test_deadlines_come_back_by_order_of_registration():
    time, other, rang = Time(), Time(), []
    setters = [time.clock.register(lambda at: None) for _ in range(3)]
    for at, setter in zip((300, NEVER, 100), setters, strict=True):
        setter(at)
    for order in range(3):
        other.clock.register(lambda at, order=order: rang.append((order, at)))
    other.clock.load(through_json(time.clock.save()))
    assert other.clock.next == 100
    other.clock.run_due(1000)
    assert rang == [(2, 100), (0, 300)]


def test_loading_drives_no_line():
    drawn = []
    serial, loud = Serial(lambda data: None, drawn.append), busy().serial
    serial.load(through_json(loud.save()))
    pair = PicPair(lambda: drawn.append("pic"))
    pair.load(through_json(busy().pic.save()))
    time = Time()
    Pit(time.clock, drawn.append).load(through_json(busy().pit.save()))
    assert drawn == []


@pytest.mark.parametrize(
    ("port", "value", "size", "end"), [(0xF4, 7, 4, Exited(7)), (0xCF9, 6, 1, Reset("port 0xcf9"))]
)
def test_an_ended_machine_stays_ended(port, value, size, end):
    machine, copied = Machine(SIZE), Machine(SIZE)
    machine.write_port(port, value, size)
    copied.load(through_json(machine.save()))
    assert copied.run() == end


# fmt: off
BROKEN = (
    # device, field, value that it cannot have, what the error says
    ("pic",     ("master", "mask"),        256,          "8259: mask is 256, not a number from 0 to 0xff"),
    ("pic",     ("slave", "poll"),         1,            "8259: poll is 1, not true or false"),
    ("pic",     ("slave",),                [],           "8259 pair: slave is [], not a dictionary"),
    ("pit",     ("channels", 2, "reload"), 0,            "8254 channel: reload is 0, not a number from 1"),
    ("pit",     ("channels", 0, "latched"), [1, 2, 3, 4], "8254 channel: latched is [1, 2, 3, 4], not a list"),
    ("pit",     ("channels", 0, "low"),    "5",          "8254 channel: low is '5'"),
    ("pit",     ("channels",),             [{}],         "8254: channels is [{}], not a list of 3"),
    ("pit",     ("channels", 1),           {},           "the state of 8254 channel has no access"),
    ("speaker", ("latch",),                True,         "port 0x61: latch is True"),
    ("rtc",     ("memory",),               "00",         "CMOS: memory is '00', not 128 to 128 bytes"),
    ("rtc",     ("memory",),               "zz" * 128,   "CMOS: memory is"),
    ("COM1",    ("divisor",),              -1,           "16550A: divisor is -1"),
    ("COM1",    ("outside",),              7,            "16550A: outside is 7"),
    ("post",    ("code",),                 None,         "port 0x80: code is None"),
    ("exit",    ("code",),                 0,            "the state of exit port has an unknown code"),
    ("8042",    ("expects",),              "reset",      "8042: expects is 'reset', none of RAM, output port"),
    ("8042",    ("keyboard", "set"),       128,          "keyboard: set is 128"),
    ("power",   ("enable",),               1 << 12,      "power management: enable is 4096"),
    ("pci",     ("address",),              1 << 32,      "PCI configuration: address is"),
    ("local APIC", ("request",),           1 << 256,     "local APIC: request is"),
    ("local APIC", ("timer", "divide"),    12,           "APIC timer: divide is 12"),
    ("I/O APIC", ("entries",),             [0],          "I/O APIC: entries is [0], not a list of 24 to 24"),
    ("ports",   ("unanswered",),           [[1]],        "ports: unanswered[0] is [1]"),
)
# fmt: on


@pytest.mark.parametrize(("device", "path", "value", "message"), BROKEN)
def test_a_broken_state_is_refused_by_name_and_nothing_changes(device, path, value, message):
    machine = busy()
    before, broken = machine.save(), through_json(Machine(SIZE).save())
    place = broken["devices"][device]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(Error) as error:
        machine.load(broken)
    assert message in str(error.value)
    assert machine.save() == before
    assert answers(machine) == answers(busy())


@pytest.mark.parametrize("part", ["machine", "clock", "devices"])
def test_a_missing_part_is_refused(part):
    machine = busy()
    state = through_json(machine.save())
    del state[part]
    with pytest.raises(Error, match=part):
        machine.load(state)


def test_other_devices_are_refused():
    machine = busy()
    state = through_json(machine.save())
    for change, message in (
        (lambda devices: devices.pop("pit"), "the state of the machine has no pit"),
        (lambda devices: devices.update(hpet={}), "the state of the machine has an unknown hpet"),
    ):
        broken = copy.deepcopy(state)
        change(broken["devices"])
        with pytest.raises(Error, match=message):
            machine.load(broken)
    state["clock"]["deadlines"].append(NEVER)
    with pytest.raises(Error, match="deadlines of 4 devices, not of 3"):
        machine.load(state)


def test_firmware_is_attached_without_touching_memory():
    machine, again = Machine(SIZE), Machine(SIZE)
    firmware.install(machine)
    firmware.attach(again)
    assert bytes(again.memory.ram) == bytes(SIZE)
    again.load(through_json(machine.save()))
    again.detach(firmware.NAME)
    assert firmware.PORT not in again.ports.owners()
