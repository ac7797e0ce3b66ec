"""The REPL by keystroke, its plain mode, completion, console and toolbar."""

import io
import os
import signal
import sys

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from gdbstub.errors import TargetError
from ringscope.commandset import COMMANDS
from ringscope.completion import CommandCompleter
from ringscope.local import LocalDebuggee
from ringscope.monitor import make_monitor, monitor_lines
from ringscope.render import Bad, Heading
from ringscope.repl import Printer, Repl, open_history, paint, run_repl, run_script, toolbar
from ringscope.session import Front, Session
from tests.machine.bare import Bare
from tests.unit.handassembled import CODE, KERNEL, FakeSymbols, guest

CTRL_C, CTRL_D = "\x03", "\x04"


def debuggee():
    return LocalDebuggee(guest().machine)


def type_keys(keys, *, machine=None, write=None):
    """What the REPL said to these keys, and its exit status."""
    said = []
    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        status = run_repl(
            machine or debuggee(), symbols=FakeSymbols(), input=pipe, output=DummyOutput(), write=write or said.append
        )
    return "".join(said), status


def test_it_begins_with_where_the_guest_is():
    said, status = type_keys("quit\r")
    assert said == "=> 0x100000 <start>  90  nop\n"
    assert status == 0


def test_break_continue_and_a_look():
    said, _ = type_keys("b store\rc\rregs rax\rq\r")
    assert said.splitlines()[1:] == [
        "Breakpoint 1 at 0x100010 <store>",
        "Breakpoint 1 at 0x100010 <store>",
        "=> 0x100010 <store>  48 89 04 25 00 00 20 00  mov qword ptr [0x200000], rax",
        "rax  0x000000000000002a  42",
    ]


def test_an_error_is_said_and_the_prompt_comes_back():
    said, status = type_keys("nonsense\rsym store\rq\r")
    assert "no command 'nonsense'" in said and "0x100010 <store>" in said
    assert status == 0


def test_an_empty_line_steps_again():
    said, _ = type_keys("step\r\r\rq\r")
    assert [line.split()[1] for line in said.splitlines()] == ["0x100000", "0x100001", "0x100008", "0x100010"]


def test_an_empty_line_goes_on_in_memory():
    said, _ = type_keys("x/2xg data\r\rq\r")
    assert [line.split(":")[0] for line in said.splitlines()[1:]] == ["0x200000", "0x200010"]


def test_an_empty_line_repeats_no_other_command():
    said, _ = type_keys("sym store\r\rq\r")
    assert said.count("<store>") == 1


def test_control_d_leaves():
    assert type_keys(CTRL_D)[1] == 0


def test_control_c_at_the_prompt_drops_the_line():
    said, _ = type_keys(f"nonsense{CTRL_C}sym store\rq\r")
    assert "nonsense" not in said and "<store>" in said


def test_lines_go_into_the_history():
    with create_pipe_input() as pipe:
        pipe.send_text("sym store\rx/2xg data\rq\r")
        repl = Repl(Session(debuggee(), FakeSymbols()), input=pipe, output=DummyOutput(), write=lambda text: None)
        assert repl.talk() == 0
    assert repl.history.get_strings() == ["sym store", "x/2xg data", "q"]


def test_guest_output_comes_as_the_guest_writes_it_and_ends_its_line():
    said, _ = type_keys("set rip echo\rserial hi\rc 100000\rq\r")
    assert "hi\r" in said
    assert "\n100,000 ns of virtual time" in said or "hi\r\n" in said


def test_control_c_stops_a_running_guest():
    said = []

    def write(text):
        said.append(text)
        if text == "!":
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    _, status = type_keys("set rip echo\rserial !\rcontinue\rsym store\rq\r", write=write)
    assert said[said.index("Interrupted\n") + 1].startswith("=> 0x1000")
    assert said[-1] == "0x100010 <store>\n"
    assert status == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_control_c_stops_a_long_list():
    said = []

    def write(text):
        said.append(text)
        if len(said) == 5:
            os.kill(os.getpid(), signal.SIGINT)

    type_keys("vectors\rq\r", write=write)
    assert len(said) == 5


def test_control_c_ends_a_script():
    said = []

    def write(text):
        said.append(text)
        if text == "!":
            os.kill(os.getpid(), signal.SIGINT)

    session = Session(debuggee(), FakeSymbols())
    assert run_script(session, ["set rip echo", "serial !", "continue", "sym store"], write) == 130
    assert said[-1].startswith("=> ")


def test_control_c_stops_a_count_of_steps():
    machine = debuggee()
    inner, steps = machine.step, []

    def step():
        steps.append(1)
        if len(steps) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return inner()

    machine.step = step
    said, _ = type_keys("step 100000\rq\r", machine=machine)
    assert "Interrupted" in said
    assert len(steps) < 10


def test_the_console_types_into_the_guest_until_control_bracket():
    said = []

    def write(text):
        said.append(text)
        if text == "Keys go to the guest; Ctrl-] or Ctrl-A c comes back.\n":
            pipe.send_text("ab")
        elif text == "b":
            pipe.send_text("\x1dsym store\rq\r")

    with create_pipe_input() as pipe:
        pipe.send_text("set rip echo\rconsole\r")
        status = run_repl(debuggee(), symbols=FakeSymbols(), input=pipe, output=DummyOutput(), write=write)
    assert status == 0
    assert said.index("a") < said.index("b") < said.index("0x100010 <store>\n")


def test_the_console_ends_at_a_breakpoint():
    said, _ = type_keys("set rip echo\rb echo+9\rserial z\rconsole\rq\r")
    assert "Breakpoint 1 at 0x100029 <echo+9>" in said


def plain(script):
    said = []
    session = Session(debuggee(), FakeSymbols())
    return run_script(session, script.splitlines(), said.append), "".join(said)


def test_a_script_runs_line_by_line():
    status, said = plain("# a comment\n\nb store\nc\nquit\nnonsense")
    assert status == 0
    assert said.startswith("Breakpoint 1 at 0x100010 <store>\nBreakpoint 1")


def test_a_script_ends_at_its_first_error(capsys):
    status, said = plain("sym store\nx nowhere\nsym start")
    assert (status, said) == (1, "0x100010 <store>\n")
    assert capsys.readouterr().err == "line 2: ADDRESS: no symbol 'nowhere'\n"


def test_a_script_ends_an_unfinished_line_of_the_guest():
    status, said = plain("set rip echo\nserial x\nb echo+0xf\nc\nset rip echo")
    assert status == 0
    assert "x\nBreakpoint 1" in said


def test_standard_input_that_is_no_terminal_is_a_script(monkeypatch):
    said = []
    monkeypatch.setattr(sys, "stdin", io.StringIO("sym store\n"))
    assert run_repl(debuggee(), symbols=FakeSymbols(), write=said.append) == 0
    assert said == ["0x100010 <store>\n"]


def complete(text):
    completer = CommandCompleter(COMMANDS, Session(debuggee(), FakeSymbols()))
    return [found.text for found in completer.get_completions(Document(text), CompleteEvent())]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("br", ["break", "breakpoints"]),
        ("info p", ["pic", "pit", "ports"]),
        ("b st", ["start", "store"]),
        ("b 4+st", ["start", "store"]),
        ("x [curr", ["current_task"]),
        ("x $gs", ["$gs", "$gs_base"]),
        ("set gs", ["gs", "gs_base"]),
        ("set rax sec", ["second"]),
        ("watch data 8 w", ["write"]),
        ("help po", ["position"]),
        ("zzz a", []),
        ("where ", []),
        ("", sorted({name.split()[0] for name in COMMANDS.commands})),
    ],
)
def test_completion(text, offered):
    assert complete(text) == offered


def test_the_toolbar_names_ring_mode_task_and_place():
    words = [word.strip() for word in toolbar(Session(debuggee(), FakeSymbols())).split("│")]
    assert words == ["ring 0", "64-bit", "init (1)", "0x100000 <start>", "at 0.0"]


def test_the_toolbar_does_without_symbols():
    assert "0x100000" in toolbar(Session(debuggee()))


def test_lines_are_painted_by_what_they_are():
    assert paint(Heading("Titles")) == [("class:heading", "Titles")]
    assert paint(Bad("no")) == [("class:bad", "no")]
    assert ("class:symbol", "<start+4>") in paint("=> 0x100004 <start+4>  nop")
    assert "".join(text for _, text in paint("=> 0x1 <a> x")) == "=> 0x1 <a> x"


def test_a_printer_keeps_the_guest_and_commands_apart():
    said = []
    printer = Printer(lambda line: said.append(f"{line}\n"), said.append)
    for act, text in (
        (printer.guest, "login: "),
        (printer.line, "Stopped"),
        (printer.guest, "x\n"),
        (printer.line, "y"),
    ):
        act(text)
    assert "".join(said) == "login: \nStopped\nx\ny\n"


def test_history_is_kept_in_the_state_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    open_history().append_string("regs")
    assert "regs" in (tmp_path / "ringscope" / "repl_history").read_text()


def test_history_stays_in_memory_where_nothing_can_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    open_history().append_string("regs")


class Booted:
    """As much of a guest as the monitor needs."""

    def __init__(self):
        self.machine = Bare().machine
        self.machine.memory.write(KERNEL, bytes.fromhex(CODE[0]))
        self.symbols = FakeSymbols()
        self.lines = None


def test_monitor_writes_lines_and_declines_in_one_sentence():
    run, said = make_monitor(Booted()), []
    run("where", said.append)
    assert "".join(said).endswith("=> 0x100000 <start>  90  nop\n")
    with pytest.raises(TargetError, match="continue makes no sense in monitor"):
        run("c", said.append)


def test_an_empty_monitor_command_is_help():
    session = Session(debuggee(), front=Front.MONITOR)
    assert "Page tables" in list(monitor_lines(session, ""))
