"""The REPL's commands where CS has a base: real mode, 16-bit and 32-bit protected mode."""

from ringscope.commandset import COMMANDS
from ringscope.local import LocalDebuggee
from ringscope.session import Session
from tests.machine.sixteen import CODE, CODE_SEGMENT, Sixteen

SOURCE = f"""
        movw $0x1234, %ax
        movl $0x55667788, %ebx
        cli
        lgdtl %cs:gdtr - _start
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        ljmpl $8, $wide - _start
        .code32
wide:   movl $0x11223344, %eax
        hlt
gdt:    .quad 0, 0x0040980000000fff | ({CODE:#x} << 16)
gdtr:   .word 15
        .long {CODE:#x} + (gdt - _start)
"""


def said(session, line):
    return "\n".join(COMMANDS.run(session, line))


def test_code_is_shown_at_cs_ip_in_the_mode_it_runs_in():
    guest = Sixteen(SOURCE)
    session = Session(LocalDebuggee(guest.machine))
    assert f"{CODE_SEGMENT:04x}:0000, linear {CODE:#x}" in said(session, "mode")
    assert "real mode, 16-bit code" in said(session, "mode")
    for line in ("disas", "x/2i $pc", f"x/2i {CODE_SEGMENT:#x}:0", "x/2i $cs:$rip"):
        first, second = said(session, line).splitlines()[:2]
        assert first == f"=> {CODE:#x}  b8 34 12                  mov ax, 0x1234", line
        assert "mov ebx, 0x" in second, "an operand-size prefix makes 32 bits of 16"
    assert said(session, "step").startswith(f"=> {CODE + 3:#x}  66 bb")


def test_breakpoints_at_real_mode_addresses_and_the_stop_line():
    guest = Sixteen(SOURCE)
    session = Session(LocalDebuggee(guest.machine))
    assert said(session, f"break {CODE_SEGMENT:#x}:3") == f"Breakpoint 1 at {CODE + 3:#x}"
    assert said(session, "continue").splitlines()[0] == f"Breakpoint 1 at {CODE + 3:#x}"


def test_modes_change_with_the_bits_not_with_the_selector():
    guest = Sixteen(SOURCE)
    session = Session(LocalDebuggee(guest.machine))
    seen = []
    while guest.reg("cs") != 8:
        seen.append(said(session, "mode").splitlines()[1])
        guest.machine.step()
    assert "real mode, 16-bit code" in seen[0] and "16-bit protected mode" in seen[-1]
    assert "32-bit protected mode" in said(session, "mode")
    assert f"CS.base={CODE:#x}" in said(session, "mode")
    assert "mov eax, 0x11223344" in said(session, "where")
