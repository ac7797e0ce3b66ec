"""VS Code's C/C++ extension on our kernel: the MI commands of its engine (Microsoft's MIEngine), in its order.

The launch is that of the page's launch.json.  What the engine reads of each answer is what is looked at here.
"""

import json
import re
from pathlib import Path

import pytest

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from ringscope.serve import SOURCE_ROOT
from tests.realgdb.harness import Gdb
from tests.realgdb.served import served

pytestmark = pytest.mark.gdb

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "howto" / "use-in-an-editor.md"
SOURCE = f"{SOURCE_ROOT}/guest/entry/common.c"


def configuration():
    """The page's launch.json, for this checkout."""
    block = re.search(r"(?m)^    \{\n(?:    .*\n)+?    \}\n", PAGE.read_text())[0]
    text = block.replace("${workspaceFolder}", str(ROOT))
    (found,) = json.loads(text)["configurations"]
    return found


def escaped(path):
    """As the engine writes a file's name."""
    return f'"{path}"' if re.search("[ ']", path) else path


@pytest.fixture
def gdb(tmp_path):
    """The debugger as the engine has launched it: stopped at the machine's first instruction."""
    wanted = configuration()
    with served(power_on(Configuration()), tmp_path / "gdb.sock") as server, Gdb() as gdb:
        gdb.command("-gdb-set mi-async on")
        for setup in wanted["setupCommands"]:
            gdb.console(setup["text"])
        gdb.console("set pagination off")
        gdb.command("-gdb-set auto-solib-add on")
        gdb.command(f"-environment-cd {escaped(wanted['cwd'])}")
        gdb.command(f"-file-exec-and-symbols {escaped(wanted['program'])}")
        assert "x86-64" in gdb.console("show architecture")
        gdb.command("-break-insert -f main")
        stop = gdb.resume(f"-target-select remote {server.address}")
        assert stop.reason == "" and stop.frame["file"], "the engine takes this stop for the entry point by its file"
        yield gdb


def break_at(gdb, line, *options):
    return gdb.command(" ".join(["-break-insert -f", *options, f"{SOURCE}:{line}"]))["bkpt"]["number"]


def line_of(text):
    lines = (ROOT / "kernel" / "guest" / "entry" / "common.c").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_launch_is_one_that_the_extension_takes():
    wanted = configuration()
    assert (wanted["type"], wanted["request"], wanted["MIMode"]) == ("cppdbg", "launch", "gdb")
    assert wanted["stopAtConnect"] is True and re.fullmatch(r"[\w.]+:\d+", wanted["miDebuggerServerAddress"])
    (there, here), *rest = wanted["sourceFileMap"].items()
    assert there == SOURCE_ROOT and (Path(here) / "guest" / "entry" / "common.c").is_file() and not rest
    assert Path(wanted["program"]).is_file()


def test_a_breakpoint_in_a_line_and_what_the_windows_show(gdb):
    number = break_at(gdb, line_of("unsigned int unr = nr;"))
    stop = gdb.resume("-exec-continue")
    assert (stop.reason, stop.payload["bkptno"], stop.function) == ("breakpoint-hit", number, "do_syscall_64")
    assert stop.frame["fullname"] == SOURCE
    # Threads, modules and the call stack
    threads = gdb.command("-thread-info")
    assert threads["current-thread-id"] == "1" and threads["threads"][0]["name"] == "CPU#0"
    assert "No shared libraries" in gdb.console("info sharedlibrary")
    frames = gdb.command("-stack-list-frames 0 1000")["stack"]
    assert [frame["func"] for frame in frames[:2]] == ["do_syscall_64", "entry_SYSCALL_64"]
    assert gdb.command("-stack-list-arguments 0 0 1")["stack-args"][0]["args"] == ["regs", "nr"]
    # Variables, watches and registers
    names = [variable["name"] for variable in gdb.command("-stack-list-variables 0")["variables"]]
    assert {"regs", "nr"} <= set(names)
    variable = gdb.command('-var-create - * "regs"')
    assert variable["type"] == "struct pt_regs *" and int(variable["numchild"])
    children = gdb.command(f'-var-list-children --simple-values "{variable["name"]}" 0 1000')["children"]
    assert {"ip", "cs", "sp", "orig_ax"} <= {child["exp"] for child in children}
    ring = next(child for child in children if child["exp"] == "cs")
    assert gdb.command(f"-var-set-format {ring['name']} hexadecimal")["value"] == "0x33"
    assert gdb.command(f"-var-evaluate-expression {ring['name']}")["value"] == "0x33"
    gdb.command(f"-var-delete {variable['name']}")
    assert gdb.command('-data-evaluate-expression "regs->orig_ax"')["value"] == "1"
    assert {"rip", "cr3", "efer", "xmm0"} <= set(gdb.command("-data-list-register-names")["register-names"])
    assert len(gdb.command("-data-list-register-values x")["register-values"]) > 80


def test_memory_and_disassembly(gdb):
    break_at(gdb, line_of("unsigned int unr = nr;"))
    here = gdb.resume("-exec-continue").address
    (memory,) = gdb.command(f"-data-read-memory-bytes {here:#x} 64")["memory"]
    assert len(memory["contents"]) == 128
    code = gdb.command(f"-data-disassemble -s {here:#x} -e {here + 32:#x} -- 2")["asm_insns"]
    assert int(code[0]["address"], 16) == here and memory["contents"].startswith(code[0]["opcodes"].replace(" ", ""))


def test_steps(gdb):
    break_at(gdb, line_of("unsigned int unr = nr;"))
    began = gdb.resume("-exec-continue")
    for step in ("-exec-next", "-exec-step", "-exec-step-instruction", "-exec-next-instruction"):
        assert gdb.resume(step).reason == "end-stepping-range"
    gdb.command("-break-delete")
    while gdb.command("-stack-info-frame")["frame"]["func"] != began.function:
        assert gdb.resume("-exec-finish").reason == "function-finished"
    assert gdb.resume("-exec-finish").function == "entry_SYSCALL_64"


def test_a_condition_and_a_data_breakpoint(gdb):
    break_at(gdb, line_of("unsigned int unr = nr;"), '-c "regs->orig_ax == 59"')
    gdb.resume("-exec-continue")
    assert gdb.command('-data-evaluate-expression "nr"')["value"] == "59"
    gdb.command("-break-delete")
    address = re.search(r"0x[0-9a-f]+", gdb.command('-data-evaluate-expression "&jiffies"')["value"])[0]
    number = gdb.command(f"-break-watch *(int*)({address})")["wpt"]["number"]
    stop = gdb.resume("-exec-continue")
    assert stop.reason == "watchpoint-trigger" and stop.payload["wpt"]["number"] == number


def test_pause_console_and_end(gdb):
    number = break_at(gdb, line_of("unsigned int unr = nr;"))
    gdb.resume("-exec-continue")
    gdb.command(f"-break-delete {number}")
    gdb.start("-exec-continue")
    gdb.command("-exec-interrupt")
    stop = gdb.stop()
    assert (stop.reason, stop.payload["signal-name"]) == ("signal-received", "SIGINT"), "a pause"
    assert "PML4" in gdb.console("x86 walk $rip")
    gdb.command("kill")
    gdb.command("-gdb-exit")
