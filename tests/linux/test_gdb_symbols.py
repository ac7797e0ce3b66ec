"""Stock gdb with Debian's own vmlinux on the untouched kernel: source lines, conditions, watchpoints, every mode."""

import re
from contextlib import contextmanager

import pytest

from ringscope.boot import power_on
from ringscope.debug import served
from ringscope.gdbmi import Gdb
from ringscope.linux import configuration

pytestmark = [pytest.mark.linux, pytest.mark.gdb, pytest.mark.timeout(400)]

SECONDS = 200
KERNEL_CS, USER_CS, USER_DS = 0x10, 0x33, 0x2B
BOOT_CS = 0x10
EXECVE = 59
CURRENT = "((struct task_struct *) *(unsigned long *) ($gs_base + (unsigned long) &current_task))"
"""`current` of the processor that gdb looks at: per-CPU variables are offsets from the base of GS."""

SETUP_SEGMENT, SETUP_ENTRY, PROTECTED_ENTRY = 0x9000, 0x90200, 0x100000
MOV_TO_CR0 = "(char) 0x0f, (char) 0x22, (char) 0xc2"
HEADER_MAGIC = 0x53726448  # "HdrS"


class Kernel(Gdb):
    """gdb with the kernel's symbols."""

    def value(self, expression):
        return int(self.execute(f"print/x {expression}").split()[-1], 16)

    def stop_at(self, place, kind="break"):
        """Go on to a place, and nowhere else."""
        number = re.search(r"reakpoint (\d+) at", self.execute(f"{kind} {place}"))[1]
        said = self.execute("continue")
        assert f"reakpoint {number}, " in said, said
        self.execute(f"delete {number}")
        return said


@contextmanager
def debugging(files, **options):
    """gdb attached to Debian's kernel before its first instruction."""
    output = bytearray()
    guest = power_on(configuration(files, **options), output.extend)
    with served(guest) as path, Kernel("gdb", files.symbols, seconds=SECONDS) as gdb:
        gdb.execute(f"target remote {path}")
        yield gdb


def test_the_first_program_and_its_system_calls(files_with_symbols):
    with debugging(files_with_symbols) as gdb:
        new_ip = follows_start_thread(gdb)
        knows_the_current_task(gdb)
        enters_user_mode(gdb, new_ip)
        stops_on_a_condition(gdb)
        watches_time_pass(gdb)


def follows_start_thread(gdb):
    gdb.stop_at("start_thread")
    frames = re.findall(r"^#\d+ .*?(\w+) \(.*\) at (\S+):(\d+)$", gdb.execute("backtrace"), re.MULTILINE)
    names = [name for name, _, _ in frames]
    assert (names[0], names[-1]) == ("start_thread", "ret_from_fork")
    inside = ["load_elf_binary", "search_binary_handler", "bprm_execve", "kernel_execve", "run_init_process"]
    places = [names.index(name) for name in [*inside, "kernel_init"]]
    assert places == sorted(places)
    files = {name: file for name, file, _ in frames}
    assert files["load_elf_binary"].endswith("fs/binfmt_elf.c")
    assert files["ret_from_fork"].endswith("arch/x86/entry/entry_64.S")
    new_ip, regs = gdb.value("new_ip"), gdb.value("regs")
    assert gdb.value("regs->cs") == 0
    gdb.execute("finish")
    saved = f"((struct pt_regs *) {regs:#x})"
    assert [gdb.value(f"{saved}->{name}") for name in ("cs", "ss", "ip")] == [USER_CS, USER_DS, new_ip]
    return new_ip


def enters_user_mode(gdb, new_ip):
    """The one instruction in which CS changes."""
    gdb.stop_at("*native_irq_return_iret")
    assert "iretq" in gdb.execute("x/i $pc")
    assert gdb.value("$cs") == KERNEL_CS
    gdb.execute("stepi")
    assert [gdb.value(f"${name}") for name in ("cs", "ss", "rip")] == [USER_CS, USER_DS, new_ip]


def knows_the_current_task(gdb):
    assert '"init"' in gdb.execute(f"print {CURRENT}->comm")
    assert gdb.value(f"{CURRENT}->pid") == 1


def stops_on_a_condition(gdb):
    """A system call by its number: the first program that init starts."""
    said = gdb.stop_at(f"do_syscall_64 if nr == {EXECVE}")
    assert "do_syscall_64 (" in said
    assert (gdb.value("nr"), gdb.value("regs->cs"), gdb.value("regs->orig_ax")) == (EXECVE, USER_CS, EXECVE)
    assert 'bin/busybox"' in gdb.execute("print (char *) regs->di")
    caller = gdb.value("regs->ip")
    assert "entry_SYSCALL_64" in gdb.execute("finish")
    assert gdb.value("$cs") == KERNEL_CS
    assert gdb.value("((struct pt_regs *) $rsp)->ip") != caller, "execve returns into another program"


def watches_time_pass(gdb):
    assert "Hardware watchpoint" in gdb.execute("watch jiffies_64")
    for _ in range(2):
        said = gdb.execute("continue")
        old, new = (int(re.search(rf"{word} value = (\d+)", said)[1]) for word in ("Old", "New"))
        assert new == old + 1, said
        assert "tick_do_update_jiffies64" in gdb.execute("backtrace") or "do_timer" in gdb.execute("backtrace")


def test_from_the_16_bit_entry_to_start_kernel(files_with_symbols):
    """One session, one register layout, three modes."""
    with debugging(files_with_symbols, entry="real") as gdb:
        starts_in_real_mode(gdb)
        switches_to_protected_mode(gdb)
        reaches_start_kernel(gdb)


def mode(gdb):
    """CR0.PE, CR0.PG, EFER.LMA."""
    return [gdb.value("$cr0") & 1, gdb.value("$cr0") >> 31 & 1, gdb.value("$efer") >> 10 & 1]


def decoded(gdb, count):
    """The next instructions in the mode that the processor is in: gdb knows 64-bit code alone."""
    lines = gdb.execute("monitor disas").splitlines()[:count]
    assert lines[0].startswith(f"=> {gdb.value('$cs * 16 + $rip' if mode(gdb)[0] == 0 else '$rip'):#x} ")
    return [re.split(r"\s{2,}", line[3:])[-1] for line in lines]


def starts_in_real_mode(gdb):
    assert mode(gdb) == [0, 0, 0]
    assert (gdb.value("$cs"), gdb.value("$rip")) == (SETUP_ENTRY >> 4, 0)
    assert gdb.execute("x/i $cs * 16 + $rip").split()[1:] == decoded(gdb, 1)[0].split()
    gdb.execute("stepi")
    assert gdb.value("$rip") == 2 + gdb.value("*(unsigned char *) ($cs * 16 + 1)")
    assert decoded(gdb, 3) == ["mov ax, ds", "mov es, ax", "cld"]
    assert "mov    %ds,%eax" in gdb.execute("x/i $cs * 16 + $rip"), "gdb takes 16-bit code for 64-bit code"
    gdb.execute("set architecture i8086")
    assert 'currently "i386:x86-64"' in gdb.execute("show architecture"), "the target's description has the last word"


def switches_to_protected_mode(gdb):
    """protected_mode_jump: the MOV to CR0, and the far jump behind it, which loads CS."""
    found = gdb.execute(f"find {SETUP_ENTRY:#x}, +0x7000, {MOV_TO_CR0}")
    switch = int(re.search(r"^0x\w+", found, re.MULTILINE)[0], 16)
    gdb.execute(f"hbreak *{switch:#x}")
    assert "SIGTRAP" in gdb.execute("continue"), "a breakpoint that RIP is not equal to is a trap to gdb"
    assert (mode(gdb), gdb.value("$cs * 16 + $rip")) == ([0, 0, 0], switch)
    gdb.execute("stepi")
    assert (mode(gdb), gdb.value("$cs")) == ([1, 0, 0], SETUP_SEGMENT)
    gdb.execute("stepi")
    assert (mode(gdb), gdb.value("$cs")) == ([1, 0, 0], BOOT_CS)
    assert decoded(gdb, 2) == ["mov ds, ecx", "mov es, ecx"]
    gdb.execute("delete")
    gdb.stop_at(f"*{PROTECTED_ENTRY:#x}", "hbreak")
    assert decoded(gdb, 2) == ["cld", "cli"]
    assert gdb.value("*(unsigned int *) ($rsi + 0x202)") == HEADER_MAGIC, "RSI: struct boot_params"


def reaches_start_kernel(gdb):
    said = gdb.stop_at("start_kernel")
    assert "init/main.c" in said
    assert (mode(gdb), gdb.value("$cs")) == ([1, 1, 1], KERNEL_CS)
    assert gdb.value("$rip") == gdb.value("&start_kernel"), "nokaslr: where it was linked"
    assert "secondary_startup_64" in gdb.execute("backtrace")
    assert "console=ttyS0" in gdb.execute("print boot_command_line")
