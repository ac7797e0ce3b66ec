"""BIOS services as 16-bit programs call them, and Linux's 16-bit entry with a kernel made by hand."""

import hashlib
import struct
from itertools import pairwise

import pytest

from machine.bios.firmware import ENTRIES, install
from machine.boot import bzimage, real
from machine.errors import BootError
from machine.machine import Machine
from machine.stop import Breakpoint, Halted, Stepped
from tests.machine.handmade import SIZE
from tests.machine.setup_kernel import ENTRY_16, ENTRY_32, kernel
from tests.machine.sixteen import CODE, SCRATCH, STACK, Sixteen

CF, ZF = 1, 1 << 6
SCREEN = 0xB8000


def called(source, **options):
    """Run a program to its HLT; its flags are those behind the last service."""
    guest = Sixteen(f"movw %ss, %ax; movw %ax, %es; {source}; pushfw; popw %bp; cli; hlt", prepare=install, **options)
    assert isinstance(guest.run(), Halted)
    return guest


def low(guest, *names):
    values = [guest.reg(name) & 0xFFFF for name in names]
    return values[0] if len(values) == 1 else values


def carry(guest):
    return bool(guest.reg("rbp") & CF)


def test_registers_that_a_service_does_not_answer_in_come_back():
    source = "movl $0x11110088, %eax; movb $0x88, %ah; movl $0x22222222, %ebx; movw $0x3333, %si; stc; int $0x15"
    guest = called(source)
    assert guest.reg("rax") == 0x11110000 | (SIZE - 0x100000) >> 10
    assert guest.reg("rbx") == 0x22222222 and low(guest, "rsi") == 0x3333 and guest.reg("rsp") == 0x8000
    assert not carry(guest)


def test_teletype_writes_to_screen_and_console():
    text = "".join(f"movw ${0x0E00 | byte:#x}, %ax; int $0x10;" for byte in b"Hi\r\n!\bx")
    guest = called(text + "movb $3, %ah; int $0x10")
    screen = guest.machine.memory.read(SCREEN, 4000)
    assert bytes(guest.output) == b"Hi\r\n!\bx"
    assert (screen[0:4:2], screen[160:164:2]) == (b"Hi", b"x ")
    assert low(guest, "rdx", "rcx") == [0x0101, 0x0607], "row 1, column 1"


def test_the_screen_scrolls():
    guest = called("movw $60, %cx; 1: movw $0x0e0a, %ax; int $0x10; movw $0x0e41, %ax; int $0x10; loop 1b")
    screen = guest.machine.memory.read(SCREEN, 4000)
    rows = [screen[160 * row : 160 * row + 160 : 2] for row in range(25)]
    assert [row.find(b"A") for row in rows] == list(range(35, 60))
    assert all(row.count(b" ") == 79 for row in rows)


def test_a_string_is_written_where_it_is_told():
    guest = called(
        f"movl $0x00434241, {SCRATCH}; movw ${SCRATCH}, %bp; movw $3, %cx; movw $0x0203, %dx; movw $0x1e, %bx;"
        "movw $0x1301, %ax; int $0x10"
    )
    assert guest.machine.memory.read(SCREEN + 2 * (80 * 2 + 3), 6) == b"A\x1eB\x1eC\x1e"
    assert guest.output == b"ABC"


@pytest.mark.parametrize(
    ("source", "register", "value"),
    [
        ("movw $0x0f00, %ax; movw $0xffff, %bx; int $0x10", "rax", 0x5003),
        ("movw $0x1200, %ax; movw $0x10, %bx; int $0x10", "rbx", 0x10),  # no EGA
        ("movw $0x1a00, %ax; int $0x10", "rax", 0x1A00),  # no VGA
        ("movw $0x4f00, %ax; int $0x10", "rax", 0x4F00),  # no VESA
        ("int $0x11", "rax", 0x0222),
        ("int $0x12", "rax", 639),
        ("movb $2, %ah; movb $0xff, %al; int $0x16", "rax", 0x0200),
        ("movw $0x1000, %ax; int $0x16", "rax", 0),
        ("movw $0x2402, %ax; int $0x15", "rax", 1),
        ("movw $0xe801, %ax; int $0x15", "rcx", 15 << 10),
    ],
)
def test_answers(source, register, value):
    guest = called(source)
    assert low(guest, register) == value


@pytest.mark.parametrize(
    ("source", "fails", "ah"),
    [
        ("movb $0x41, %ah; int $0x13", True, 1),
        ("movb $2, %ah; int $0x13", True, 1),
        ("movb $0x15, %ah; int $0x13", False, 0),
        ("movw $0x2400, %ax; int $0x15", True, 1),
        ("movw $0x2401, %ax; stc; int $0x15", False, 0),
        ("movw $0xec00, %ax; int $0x15", True, 0x86),
        ("movb $0xc0, %ah; int $0x15", True, 0x86),
        ("movw $0x5300, %ax; int $0x15", True, 0x86),
        ("movw $0xb101, %ax; int $0x1a", True, 0x86),
    ],
)
def test_the_carry_flag_tells_failure(source, fails, ah):
    guest = called(source)
    assert carry(guest) == fails
    assert low(guest, "rax") >> 8 == ah


def test_no_key_waits():
    assert called("movb $1, %ah; int $0x16").reg("rbp") & ZF


MAP = f"""
    xorl %ebx, %ebx
    movw ${SCRATCH}, %di
1:  movl $0xe820, %eax
    movl $0x534d4150, %edx
    movl $24, %ecx
    int $0x15
    jc 2f
    addw %cx, %di
    testl %ebx, %ebx
    jnz 1b
2:
"""


def test_e820_tells_the_memory_map():
    guest = called(MAP)
    count = (low(guest, "rdi") - SCRATCH) // 20
    ranges = list(struct.iter_unpack("<QQI", guest.machine.memory.read(STACK + SCRATCH, 20 * count)))
    assert ranges[0] == (0, 0x9FC00, 1) and ranges[-1] == (0x100000, SIZE - 0x100000, 1)
    assert not carry(guest) and guest.reg("rax") == 0x534D4150


@pytest.mark.parametrize("wrong", ["%edx", "%ecx"])
def test_e820_wants_its_signature_and_room(wrong):
    source = f"xorl %ebx, %ebx; movl $0xe820, %eax; movl $0x534d4150, %edx; movl $20, %ecx; decl {wrong}; int $0x15"
    guest = called(source)
    assert carry(guest) and low(guest, "rax") >> 8 == 0x86


def test_the_timer_ticks_and_calls_the_programs_own_handler():
    """The count of ticks since midnight runs at 18.2 Hz of virtual time."""
    source = f"""
        pushw %ds
        xorw %ax, %ax
        movw %ax, %ds
        movw $mine - {CODE}, 0x1c*4
        movw %cs, 0x1c*4+2
        popw %ds
        sti
    1:  hlt
        movb $0, %ah
        int $0x1a
        cmpw $5, %dx
        jb 1b
        jmp 2f
    mine: incw {SCRATCH}
        iret
    2:
    """
    guest = called(source)
    assert guest.peek(STACK + SCRATCH) == 5
    assert 5 * 54_925_000 <= guest.machine.clock.now() < 5 * 54_926_000


def test_midnight_is_told_once():
    source = """
        movw $0x18, %cx
        movw $0x00af, %dx
        movb $1, %ah
        int $0x1a
        sti
        hlt
        movb $0, %ah
        int $0x1a
        movw %ax, %si
        movb $0, %ah
        int $0x1a
    """
    guest = called(source)
    assert low(guest, "rcx", "rdx") == [0, 0]
    assert low(guest, "rsi", "rax") == [1, 0]


def test_date_and_time_are_those_of_virtual_time():
    guest = called("movb $4, %ah; int $0x1a; movw %cx, %si; movw %dx, %di; movb $2, %ah; int $0x1a")
    assert low(guest, "rsi", "rdi", "rcx", "rdx") == [0x2020, 0x0101, 0, 0]


def test_stepping_goes_through_a_service():
    guest = Sixteen("movw $0x0e41, %ax; int $0x10; nop", prepare=install)
    places = []
    for _ in range(4):
        assert guest.machine.step() == Stepped()
        places.append((guest.reg("cs"), guest.reg("rip")))
    assert places == [(0x1000, 3), (0xF000, 0xF065), (0xF000, 0xF067), (0x1000, 5)]
    assert guest.output == b"A"


def test_a_service_sees_and_sets_registers_whatever_hooks_are_near():
    """A breakpoint behind the stub's OUT must not change what the service answers."""
    guest = Sixteen("stc; movw $0x2402, %ax; int $0x15; nop", prepare=install)
    guest.cpu.breakpoints.insert(0xFF85B)
    assert guest.run() == Breakpoint(0xFF85B)
    assert low(guest, "rax") == 1 and not guest.frame()[2] & CF


@pytest.mark.parametrize(
    "source",
    [
        "movw $0xffff, 0x450; movw $0x0e41, %ax; int $0x10",
        "movw $0xffff, 0x450; movb $8, %ah; int $0x10",
        "movw $0xffff, 0x450; movw $0x0941, %ax; movw $0xffff, %cx; int $0x10",
        "movw $0x0603, %ax; movw $0xff00, %cx; movw $0x0000, %dx; int $0x10",
        "movw $0x0605, %ax; movw $0x0200, %cx; movw $0xffff, %dx; int $0x10",
        "movw $0xffff, %dx; movb $2, %ah; int $0x10",
        "movw $0xffff, %cx; movw $0xffff, %dx; movb $1, %ah; int $0x1a; movb $0, %ah; int $0x1a",
        "movw $0xffff, %ax; movw %ax, %es; movw $0xfff0, %bp; movw $0xffff, %cx; movw $0x1303, %ax; int $0x10",
    ],
)
def test_nonsense_is_survived(source):
    """Nothing that a program leaves in registers or in the data area gets at the host."""
    guest = Sixteen(f"xorw %ax, %ax; movw %ax, %ds; {source}; cli; hlt", prepare=install, memory=1 << 20)
    assert isinstance(guest.run(), Halted)


def test_a_map_beyond_the_end_of_ram_is_lost():
    source = "movw $0xffff, %ax; movw %ax, %es; movw $8, %di; xorl %ebx, %ebx; movl $0xe820, %eax;"
    source += "movl $0x534d4150, %edx; movl $20, %ecx; int $0x15"
    guest = called(source, memory=1 << 20)
    assert guest.reg("rax") == 0x534D4150
    assert guest.machine.memory.read((1 << 20) - 8, 8) == bytes(8)


def test_the_ports_do_nothing_outside_real_mode():
    guest = Sixteen("movl %cr0, %eax; orb $1, %al; movl %eax, %cr0; movw $0x0e41, %ax; outb %al, $0xb1; cli; hlt")
    install(guest.machine)
    assert isinstance(guest.run(), Halted)
    assert not guest.output


def test_stubs_do_not_overlap():
    spans = sorted((entry.offset, entry.offset + 2 + len(entry.tail)) for entry in ENTRIES)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


TICKING = """
    sti
1:  movb $0, %ah
    int $0x1a
    addw %dx, %si
    movw $0x0e2e, %ax
    int $0x10
    testb $7, %dl
    jnz 2f
    hlt
2:  cmpw $3, %dx
    jb 1b
"""


def test_a_run_through_services_and_ticks_is_one_however_it_is_cut():
    def run(advance):
        # A fast timer: 256 ticks of the 8254 are 215 us.
        fast = "movb $0x58, %al; outb %al, $0x40; movb $1, %al; outb %al, $0x40;"
        guest = Sixteen(fast + TICKING + "cli; hlt", prepare=install)
        while not isinstance(stop := advance(guest.machine), Halted):
            assert stop is None or stop == Stepped()
        names = ("rax", "rcx", "rdx", "rsi", "rsp", "rip", "eflags")
        ram = hashlib.sha256(bytes(guest.machine.memory.ram)).hexdigest()
        return guest.machine.position, [guest.reg(name) for name in names], ram, bytes(guest.output)

    def in_bursts(machine):
        stop = machine.run(1777)
        for _ in range(7):
            stop = stop or machine.step()
            if isinstance(stop, Halted):
                return stop
            stop = None
        return None

    whole = run(lambda machine: machine.run())
    assert whole[1][2] == 3
    assert run(lambda machine: machine.run(333)) == whole
    assert run(in_bursts) == whole


# Linux's 16-bit entry


def linux(line=b"quiet", initrd=b"disk" * 1000, memory=SIZE):
    output = bytearray()
    machine = Machine(memory, send=output.extend)
    real.boot(machine, bzimage.parse(kernel()), initrd, line)
    return machine, output


def test_the_16_bit_entry():
    machine, _ = linux()
    read = machine.cpu.read_register
    assert (read("cs"), read("rip"), machine.cpu.linear_pc) == (0x9020, 0, ENTRY_16)
    assert [read(name) for name in ("ds", "es", "fs", "gs", "ss")] == [0x9000] * 5
    assert read("rsp") == 0xE000 and not read("eflags") & 1 << 9


def test_the_setup_header_is_filled():
    machine, _ = linux()

    def field(name):
        _, offset, size, _ = bzimage.BY_NAME[name]
        return int.from_bytes(machine.memory.read(0x90000 + offset, size), "little")

    assert field("type_of_loader") == 0xFF
    assert field("loadflags") == 0x81
    assert field("heap_end_ptr") == 0xDE00
    assert field("code32_start") == 0x100000
    assert machine.memory.read(field("cmd_line_ptr"), 6) == b"quiet\0"
    assert field("ramdisk_size") == 4000
    assert machine.memory.read(field("ramdisk_image"), 8) == b"diskdisk"


def test_from_the_16_bit_entry_to_32_bit_code_in_one_session():
    machine, output = linux()
    machine.cpu.breakpoints.insert(ENTRY_16)
    machine.cpu.breakpoints.insert(ENTRY_32)
    assert machine.run() == Breakpoint(ENTRY_16)
    assert machine.run() == Breakpoint(ENTRY_32)
    assert machine.cpu.read_register("cs") == 8 and output == b"O"
    assert isinstance(machine.run(), Halted)
    assert machine.cpu.read_register("rbx") == int.from_bytes(b"quie", "little")


def test_what_does_not_fit_is_told():
    with pytest.raises(BootError, match="command line has 256 bytes: this kernel takes 255"):
        linux(b"x" * 256)
    with pytest.raises(BootError, match="needs 0x210000 bytes of RAM"):
        linux(memory=2 << 20)
    with pytest.raises(BootError, match="initial RAM disk"):
        linux(initrd=bytes(15 << 20))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_data_area_names_the_serial_ports_that_exist(count):
    machine = Machine(1 << 20, serial_ports=count)
    install(machine)
    table = struct.unpack("<4H", machine.memory.read(0x400, 8))
    assert table == (*(0x3F8, 0x2F8, 0x3E8, 0x2E8)[:count], *[0] * (4 - count))
    assert int.from_bytes(machine.memory.read(0x410, 2), "little") >> 9 & 7 == count
