"""The 8259 pair by its ports, as its data sheet says."""

import pytest

from machine.devices.pic import PicPair


@pytest.fixture
def pic():
    pair = PicPair(lambda: None)
    for chip, base, wiring in ((pair.master, 0x30, 4), (pair.slave, 0x38, 2)):
        chip.write_port(0, 0x11, 1)
        for word in (base, wiring, 1):
            chip.write_port(1, word, 1)
        chip.write_port(1, 0, 1)  # all open
    return pair


def test_a_request_waits_for_its_mask(pic):
    pic.master.write_port(1, 0xFF, 1)
    pic.set_irq(3, True)
    assert not pic.pending()
    assert pic.master.read_port(0, 1) == 8, "IRR"
    pic.master.write_port(1, 0xF7, 1)
    assert pic.pending()
    assert pic.acknowledge() == 0x33


def test_priority_and_nesting(pic):
    pic.set_irq(5, True)
    pic.set_irq(1, True)
    assert pic.acknowledge() == 0x31
    assert not pic.pending(), "5 is below 1, which is in service"
    pic.set_irq(0, True)
    assert pic.acknowledge() == 0x30
    pic.master.write_port(0, 0x0B, 1)
    assert pic.master.read_port(0, 1) == 3, "ISR"
    pic.master.write_port(0, 0x20, 1)  # the highest in service ends first
    assert pic.master.read_port(0, 1) == 2
    pic.master.write_port(0, 0x61, 1)  # specific: 1
    assert pic.acknowledge() == 0x35


def test_an_edge_requests_once(pic):
    pic.set_irq(4, True)
    pic.set_irq(4, True)
    pic.acknowledge()
    pic.master.write_port(0, 0x20, 1)
    assert not pic.pending()
    pic.set_irq(4, False)
    pic.set_irq(4, True)
    assert pic.pending()


def test_a_level_requests_as_long_as_it_is_high(pic):
    pic.master.write_port(0, 0x19, 1)
    for word in (0x30, 4, 1, 0):
        pic.master.write_port(1, word, 1)
    pic.set_irq(4, True)
    assert pic.acknowledge() == 0x34
    pic.master.write_port(0, 0x20, 1)
    assert pic.pending()
    pic.set_irq(4, False)
    assert not pic.pending()


def test_the_slave_comes_through_the_cascade(pic):
    pic.set_irq(12, True)
    pic.set_irq(8, True)
    assert pic.acknowledge() == 0x38
    pic.slave.write_port(0, 0x20, 1)
    pic.master.write_port(0, 0x62, 1)
    assert pic.acknowledge() == 0x3C


def test_a_request_that_is_gone_is_spurious(pic):
    pic.set_irq(3, True)
    pic.set_irq(3, False)
    assert pic.acknowledge() == 0x37


def test_automatic_end_of_interrupt_and_rotation(pic):
    pic.master.write_port(0, 0x11, 1)
    for word in (0x30, 4, 3, 0):
        pic.master.write_port(1, word, 1)
    pic.master.write_port(0, 0x80, 1)  # rotate on automatic EOI
    pic.set_irq(0, True)
    assert pic.acknowledge() == 0x30
    pic.set_irq(0, False)
    pic.set_irq(0, True)
    pic.set_irq(1, True)
    assert pic.acknowledge() == 0x31, "0 has become the lowest"


def test_special_mask_lets_lower_ones_through(pic):
    pic.set_irq(1, True)
    pic.acknowledge()
    pic.set_irq(6, True)
    assert not pic.pending()
    pic.master.write_port(0, 0x68, 1)
    assert pic.acknowledge() == 0x36


def test_the_poll_command_acknowledges(pic):
    pic.set_irq(6, True)
    pic.master.write_port(0, 0x0C, 1)
    assert pic.master.read_port(0, 1) == 0x86
    pic.master.write_port(0, 0x0C, 1)
    assert pic.master.read_port(0, 1) == 0
