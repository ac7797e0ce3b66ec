"""The command registry, and every command on a machine that runs a few hand-assembled bytes."""

import pytest

from ringscope.arguments import Expression
from ringscope.command import Registry
from ringscope.commands import timeline
from ringscope.commandset import COMMANDS
from ringscope.local import LocalDebuggee
from ringscope.render import Progress
from ringscope.session import Front, Quit, Session
from tests.machine.bare import IDT
from tests.unit.handassembled import SYMBOLS, FakeSymbols, guest, lines, text

# what to do before, the command, what its output must hold
ROWS = [
    ("", "regs", ["rip 0000000000100000  <start>", "cs 0x0010", "64-bit mode, 4-level paging, ring 0"]),
    ("", "r system", ["cr0           0x0000000080010013  [PE MP ET WP PG]", "tr_base"]),
    ("", "regs all", ["xmm15", "mxcsr"]),
    ("", "regs rsp", ["rsp  0x0000000000280000  2621440"]),
    ("", "regs $eflags", ["IOPL", "interrupts enabled"]),
    ("", "set rbx store+1", ["rbx  0x0000000000100011", "<store+1>"]),
    ("", "set eflags -1", ["eflags  0x"]),
    ("", "cr", ["PE MP ET WP PG", "efer", "4-level paging"]),
    ("", "cr -v", ["protected mode", "long mode active"]),
    ("", "x start", ["0x100000: 90  48  c7  c0  2a", ".H..*"]),
    ("", "x/2xw start", ["0x100000: c0c74890  0000002a"]),
    ("", "x start 2 w", ["0x100000: c0c74890  0000002a"]),
    ("", "x/dw (data + 8)", ["0x200008: 0"]),
    ("", "x/3ub start+8", ["0x100008: 232  3  0"]),
    ("", "x/tb start", ["0x100000: 10010000"]),
    ("", "x/ob start", ["0x100000: 0o220"]),
    ("", "x/cb text", ["115 's'"]),
    ("", "x/a current_task", ["0x200100: 0x200200 <init_task>"]),
    ("", "x/2s text", ['0x200010 <text>: "say \\"hi\\"\\n\\xff"', '"second"']),
    ("", "x/2i start", ["start:", "=> 0x100000  90", "mov rax, 0x2a"]),
    ("", "x [current_task]+8 1 w", ["0x200208: 00000001"]),
    ("", "xp/2xb 0x100000", ["0x100000: 90  48"]),
    ("", "write data 90 91", ["2 bytes written at 0x200000 <data>"]),
    ("", 'write data "a\\n"', ["2 bytes written"]),
    ("", "writep 0x200000 ff", ["1 bytes written at physical 0x200000"]),
    ("", "disas store 2", ["store:", "mov qword ptr [0x200000], rax", "ret"]),
    ("", "disas start+8 1", ["call 0x100010 <store>"]),
    ("", "sym start+4", ["0x100004 <start+4>"]),
    ("", "symbols st", ["0000000000100000  start", "0000000000100010  store"]),
    ("", "break store", ["Breakpoint 1 at 0x100010 <store>"]),
    ("", "break", ["Breakpoint 1 at 0x100000 <start>"]),
    ("b store", "continue", ["Breakpoint 1 at 0x100010 <store>", "=> 0x100010 <store>  48 89 04 25"]),
    ("break", "c 1000", ["ns of virtual time have passed"]),
    ("set rip start+0xe;break", "c", ["Breakpoint 1 at 0x10000e <start+14>"]),
    ("set rip start+0xe", "until $rip", ["=> 0x10000e <start+14>  eb fe"]),
    ("watch data", "c", ["Watch 1: write at 0x200000 <data>, just done", "=> 0x100018 <store+8>  c3  ret"]),
    ("", "watch data 4 read", ["Watch 1: read of 4 bytes at 0x200000 <data>"]),
    ("", "continue 1000", ["ns of virtual time have passed"]),
    ("", "step", ["=> 0x100001 <start+1>"]),
    ("", "si 3", ["=> 0x100010 <store>"]),
    ("b start+8", "step 5", ["Breakpoint 1 at 0x100008"]),
    ("step 2", "next", ["=> 0x10000d <start+13>  90  nop"]),
    ("", "next", ["=> 0x100001"]),
    ("", "until store", ["=> 0x100010 <store>"]),
    ("b store", "breakpoints", ["1  breakpoint  0x100010 <store>"]),
    ("", "breakpoints", ["There are no breakpoints"]),
    ("b store", "delete 1", ["Deleted 1: 0x100010 <store>"]),
    ("", "delete", ["There are no breakpoints"]),
    ("step", "position", ["position 1,0", "progress 1 bytes of code, 0 exceptions", "virtual time 1 ns"]),
    ("", "run-to 3", ["At position 8,0", "=> 0x100008 <start+8>"]),
    ("", "run-to 8,0", ["At position 8,0"]),
    ("b store", "run-to 40", ["Breakpoint 1 at 0x100010 <store>"]),
    ("set rip leave", "run-to 1000", ["ended with code 16", "The run ends at position 11,0, before 1000"]),
    ("set rip idle", "run-to 1_000", ["The guest is idle", "The run ends at position 2,0, before 1000"]),
    ("stop-at 8", "c", ["At position 8,0", "=> 0x100008"]),
    ("", "stop-at 8", ["The next run stops at position 8"]),
    ("", "snapshot list", ["There are no snapshots in"]),
    ("", "snapshot save a", ["Saved position 0,0 to", "a.snapshot (", " bytes)"]),
    ("step;snapshot save b", "snapshot list", ["Position  Kernel", "b", "16 MiB       1,0"]),
    ("snapshot save c;step 3", "snapshot load c", ["Loaded", "c.snapshot: at position 0,0", "=> 0x100000 <start>"]),
    ("", "catch ring", ["Catch 1: ring"]),
    ("", "catch ring 3-0", ["Catch 1: ring 3-0"]),
    ("", "catch ring any->0", ["Catch 1: ring any-0"]),
    ("", "catch exception", ["Catch 1: exception"]),
    ("", "catch exception pf", ["Catch 1: exception 0xe (#PF Page Fault)"]),
    ("catch exception ud;set rip fault", "c", ["Catch 1: #UD Invalid Opcode"]),
    ("", "catch interrupt 0x20", ["Catch 1: interrupt 0x20 (interrupt 0x20)"]),
    ("", "catch cr3", ["Catch 1: cr3"]),
    ("", "catch cr 4", ["Catch 1: cr 0x4"]),
    ("", "catch cr cr0", ["Catch 1: cr 0x0"]),
    ("", "catch msr", ["Catch 1: msr"]),
    ("", "catch msr lstar", ["Catch 1: msr 0xc0000082 (LSTAR)"]),
    ("", "catch msr 0x174-0x176", ["Catch 1: msr 0x174-0x176"]),
    ("", "catch port 0x3f8-0x3ff write", ["Catch 1: port 0x3f8-0x3ff write"]),
    ("catch port;set rip ports", "c", ["Catch 1: out 0x71 <- 0x00, 1 byte", "=> 0x100070 <ports>"]),
    ("", "catch mmio", ["Catch 1: mmio 0xfec00000-0xfec00fff", "Catch 2: mmio 0xfee00000-0xfee00fff"]),
    ("", "catch mmio data-data+7 read", ["Catch 1: mmio 0x200000-0x200007 read"]),
    ("catch mmio data-data+7", "c", ["Catch 1: write at physical 0x200000, just done", "=> 0x100018"]),
    ("catch hlt;set rip idle", "c", ["Catch 1: hlt"]),
    ("catch triple-fault;set rip fault", "c", ["Catch 1: #UD -> #GP -> #GP -> #DF -> #GP -> shutdown:", "=> 0x100060"]),
    ("catch hlt;catch cr3", "catch list", ["1  hlt", "2  cr3"]),
    ("", "catch list", ["There are no catches."]),
    ("catch hlt;catch cr3", "catch delete 2", ["Deleted catch 2: cr3"]),
    ("catch hlt;catch cr3", "catch delete", ["Deleted catch 1: hlt", "Deleted catch 2: cr3"]),
    ("", "catch delete", ["There are no catches."]),
    ("", "catch hlt", ["Catch 1: hlt"]),
    ("", "catch triple-fault", ["Catch 1: triple-fault"]),
    ("", "why", ["It has not run yet."]),
    ("step", "why", ["A step; it is at 0x100001 <start+1>"]),
    ("catch hlt;set rip idle;c", "why", ["Catch 1: hlt, at 0x"]),
    ("", "step-policy", ["The step policy is raw."]),
    ("step-policy mask-interrupts", "step-policy over-exceptions", ["The step policy is over-exceptions."]),
    ("", "where", ["ring 0", "=> 0x100000 <start>  90  nop"]),
    ("set rip leave", "c", ["The guest has ended with code 16"]),
    ("set rip halt", "c", ["Halted for good"]),
    ("set rip idle", "c", ["The guest is idle"]),
    ("set rip fault", "c", ["Shutdown: a triple fault", "#UD Invalid Opcode"]),
    ("", "gdt", ["GDT  base 0x0000000000008000  limit 0x4f", "64-bit TSS", "<- cs", "<- tr"]),
    ("", "gdt 0x8000 0x17", ["limit 0x17", "<- cs"]),
    ("", "ldt", ["LDTR is 0x0, a null selector"]),
    ("", "ldt 0x8000 0x17", ["LDT  base", "code Execute/Read"]),
    ("", "idt", [f"IDT  base {IDT:#018x}", "0-255  empty"]),
    ("", "tss", ["rsp0       0x4  0x0000000000290000", "I/O bitmap: offset 0x68 lies beyond the limit"]),
    ("", "selector 0x33", ["0x0033  GDT index 6 (offset 0x30), RPL 3", "64-bit code of ring 3"]),
    ("", "selector 3", ["A null selector"]),
    ("", "frame frame", ["RPL 3, 64-bit code of ring 3", "[IF]", "iret goes from ring 0 to ring 3"]),
    ("", "frame frame-8 -e", ["64-bit interrupt frame at 0x200400 <frame>", "ring 0 to ring 3"]),
    ("", "frame data", ["iret would fail: #GP(0), CS is a null selector"]),
    ("", "vectors", ["14  #PF", "Page Fault"]),
    ("", "error 6 pf", ["user write: page not present"]),
    ("", "error 0x42", ["#PF", "selector"]),
    ("", "os", ["gdt         Global descriptor table", "pagemap"]),
    ("", "os gdt", ["64-bit TSS", "<- cs"]),
    ("", "os idt", ["0-255  empty"]),
    ("", "os tss", ["rsp0       0x4  0x0000000000290000", "I/O bitmap: offset 0x68 lies beyond the limit"]),
    ("", "os cr", ["PE MP ET WP PG", "efer"]),
    ("", "os msr", ["0xc0000080  EFER", "[SCE LME LMA NXE]"]),
    ("", "os pagemap", ["0x0000000000100000  0x00000000001fffff  0x100000  0x100000  4 KiB  rwx supervisor"]),
    ("set rip fault;c", "os exceptions", ["Vector  Event  Source  Count  From outside"]),
    ("", "os rings", ["to ring 0  SYSCALL           0"]),
    ("", "os devices", ["memory 0xfee00000-0xfee00fff  local APIC"]),
    ("set rip ports;step 2", "os ports", ["0x0020  0x0021  8259A", "0x00ed  0x00ed  none: reads all ones"]),
    ("", "walk start", ["PTE", "physical 0x100000 in a 4 KiB page", "rights rwx supervisor"]),
    ("", "walk 0x900000", ["not mapped: the PMD entry is not present", "#PF(0x4) US"]),
    ("", "walk 0x8000000000000000", ["not canonical: bits 63:47 differ"]),
    ("", "walk start -v", ["writes allowed", "physical 0x100000"]),
    ("", "walk -v start", ["writes allowed", "physical 0x100000"]),
    ("", "mode", ["64-bit mode", "EFER.LMA=1, CS.L=1", "0010:0000000000100000, linear 0x100000", "CR4.LA57=0"]),
    ("", "walk start 0x1000 -v", ["writes allowed", "CR3 0x1000"]),
    ("", "pte 0x8000000000000067", ["PTE 0x8000000000000067", "no_execute"]),
    ("", "pte 0x83 pmd", ["2 MiB page"]),
    ("", "pte 0", ["Not present"]),
    ("", "task", ["1  init  R      0x200200", "- (kernel)"]),
    ("", "task second", ["7  sh    S"]),
    ("", "tasks", [">    1  init  R", "     7  sh    S"]),
    ("", "serial hello", []),
    ("", "keyboard hello", []),
    ("", "info devices", ["0x20-0x21           8259A interrupt controller", "0x3f8-0x3ff         16550A serial port"]),
    ("", "info devices", ["0xfee00000-0xfee00fff  local APIC"]),
    ("", "info ports", ["Every port that was accessed has a device."]),
    ("set rip ports;step 2", "info ports", ["0x00ed         1"]),
    ("", "info pic", ["The pair asks for an interrupt: no."]),
    ("", "info pit", ["interrupt on terminal count", "not loaded"]),
    ("", "info apic", ["ID 0, enabled", "LINT0        0x00    extint    -"]),
    ("", "info ioapic", ["Every input is masked and low."]),
    ("", "info serial", ["IER", "IRQ 4 is low"]),
    ("", "info clock", ["virtual time  0 ns", "2020-01-01 00:00:00 UTC"]),
    ("", "info mem", ["0000000000000000-0000000000400000 0000000000400000 -rw\n0000000000400000-", " urw"]),
    ("", "info registers", [f"\nIDT=     {IDT:016x} ", "GDT=     0000000000008000 0000004f", "\nCS =0010 000000000"]),
    ("", "info version", ["ringscope ", "Unicorn 2", " engine"]),
    ("", "help", ["Descriptor tables", "continue, c", "info pic"]),
    ("", "help br", ["break [ADDRESS]", "Also called: b, br."]),
    ("", "help info", ["info pic", "info clock"]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "line", "parts"), ROWS, ids=[f"{before};{line}" for before, line, _ in ROWS])
def test_a_command(session, before, line, parts):
    for each in filter(None, before.split(";")):
        lines(session, each)
    said = text(session, line)
    for part in parts:
        assert part in said


ELSEWHERE = {"view-memory", "quit", "console", "monitor", "view"}  # tested with what they need


def test_every_command_has_a_row():
    assert {COMMANDS.parse(line).command.name for _, line, _ in ROWS} | ELSEWHERE == COMMANDS.commands.keys()


def test_every_command_has_help_that_ends_its_sentence():
    for row in COMMANDS.commands.values():
        assert row.summary.endswith((".", "$cs.")) and row.topic, row.name


def test_an_empty_line_and_a_comment_say_nothing(session):
    assert lines(session, "  ") == lines(session, "# x 0") == []


def test_a_deleted_breakpoint_no_longer_stops(session):
    lines(session, "b store")
    lines(session, "delete")
    assert "virtual time" in text(session, "continue 1000")


def test_until_leaves_no_breakpoint_behind(session):
    lines(session, "until store")
    assert session.debuggee.machine.cpu.breakpoints.addresses() == []


def test_what_was_written_is_read(session):
    lines(session, "write data de ad")
    assert session.debuggee.read_memory(SYMBOLS["data"], 2) == b"\xde\xad"
    lines(session, "set rbx -2")
    assert session.debuggee.read_register("rbx") == (1 << 64) - 2


def test_serial_input_reaches_the_guest(session):
    heard = []
    session.debuggee.show_console(heard.append)
    lines(session, "set rip echo")
    lines(session, "serial ok")
    lines(session, "continue 100000")
    assert "".join(heard) == "ok\r"


def test_typed_keys_reach_the_keyboard_controller(session):
    controller = session.debuggee.machine.i8042
    lines(session, "keyboard a")
    assert [controller.read_port(0, 1) for _ in range(4)] == [0x1E, 0x9E, 0x1C, 0x9C]
    controller.write_port(0, 0xF5, 1)
    assert lines(session, "keyboard a") == ["The guest has switched its keyboard off: the keys are lost."]


def test_quit_ends_the_conversation(session):
    with pytest.raises(Quit):
        lines(session, "q")


def test_a_registry_refuses_what_it_could_not_run():
    registry = Registry()

    @registry.command("one", "o")
    def one(session: Session, value: Expression):
        """Do one thing."""
        yield str(value)

    with pytest.raises(ValueError, match="two commands are called 'o'"):
        registry.command("o")(one)
    with pytest.raises(ValueError, match="parameter value has no kind"):

        @registry.command("two")
        def two(session: Session, value: int):
            yield str(value)


def test_a_client_of_monitor_is_told_how_far_a_long_run_is(monkeypatch):
    monkeypatch.setattr(timeline, "SECOND", 0.0)
    session = Session(LocalDebuggee(guest().machine), FakeSymbols(), front=Front.MONITOR)
    said = lines(session, "run-to 5_000_000")
    assert isinstance(said[0], Progress) and said[0].endswith("on the way to 5000000")
    assert "At position 5000001,0" in said and said[-1] == timeline.FLUSH
