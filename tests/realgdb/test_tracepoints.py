"""Stock gdb's tracepoints in ring 0 and ring 3: actions, frames, dumps, trace files, and tracing without gdb."""

import re
import time

import pytest

from kernel.image import find_image
from tests.realgdb.harness import gdb_batch

pytestmark = pytest.mark.gdb


def script(path, text):
    path.write_text(text)
    return f"source {path}"


KERNEL = r"""
tvariable $seen = 5
trace do_syscall_64 if regs->orig_ax != 2
actions
collect $regs, *regs, $args
teval $seen = $seen + 1
collect $seen
end
trace sys_write
actions
collect $args, file
collect/s buf
while-stepping 3
collect $rip, $rsp
end
end
tstart
break do_exit
continue
tstop
"""


def test_registers_structures_strings_and_steps(served, tmp_path):
    output = served.gdb(
        script(tmp_path / "kernel.gdb", KERNEL),
        *("tstatus", "info tracepoints", "tfind start", "tdump", "tfind tracepoint 2", "tdump"),
        *("tfind", "tfind", "info registers rip", "tfind none", "print $seen", "kill"),
    )
    frames = int(re.search(r"Collected (\d+) trace frames", output)[1])
    hits = [int(count) for count in re.findall(r"tracepoint already hit (\d+) times", output)]
    assert frames == hits[0] + 4 * hits[1] > 8
    assert "trace only if regs->orig_ax != 2" in output and "installed on target" in output
    assert re.search(r"Found trace frame 0, tracepoint 1\nData collected at tracepoint 1", output)
    assert re.search(r"orig_ax = 1, ip = 4\d{6}, cs = 51", output) and "$seen = 6" in output
    assert re.search(r'buf = 0x7fff\w+ "ucs = 0x33\\n"', output) and "count = 11" in output and "fd = 1" in output
    assert re.search(
        r"rip\s+0xffffffff8100\w+\s+0x\w+ <sys_write\+\d+>|rip\s+0xffffffff\w+\s+0x\w+ <\w+\+?\d*>", output
    )
    assert f"$1 = {5 + hits[0]}" in output
    assert len(served.sent(b"vCont;c")) == 1, "no hit came to gdb"


def test_a_tracepoint_in_ring_3(served, tmp_path):
    actions = "trace *$ip\nactions\ncollect $regs\ncollect *(unsigned long (*)[2]) $rsp\nend\ntstart\n"
    output = served.gdb(
        *("tbreak do_syscall_64 if regs->orig_ax == 1", "continue", "set $ip = regs->ip"),
        script(tmp_path / "user.gdb", actions),
        *("break do_exit", "continue", "tstop", "tfind start", "info registers cs rip", "x/2xg $rsp", "x/xg $rsp + 64"),
        *("tfind none", "kill"),
    )
    assert re.search(r"cs\s+0x33\s+51", output)
    assert re.search(r"^0x7fff\w+:\s+0x\w{16}\s+0x\w{16}$", output, re.MULTILINE)
    assert re.search(r"^0x7fff\w+:\s+<unavailable>$", output, re.MULTILINE)


def test_a_trace_file_is_written_where_gdb_is(served, tmp_path):
    file = tmp_path / "out.trace"
    served.gdb(script(tmp_path / "kernel.gdb", KERNEL), f"tsave {file}", "kill")
    output = gdb_batch(
        f"target tfile {file}", "tfind 0", "info registers rax rip", "tstatus", file=find_image().vmlinux
    )
    assert re.search(r"rip\s+0xffffffff8100\w+\s+0x\w+ <do_syscall_64\+\d+>", output)
    assert "Trace stopped by a tstop command" in output


def test_the_server_writes_no_file(served, tmp_path):
    file = tmp_path / "here.trace"
    text = f"python\ntry: gdb.execute('tsave -r {file}')\nexcept gdb.error as error: print(error)\nend\n"
    output = served.gdb("tstart", "tstop", script(tmp_path / "save.gdb", text), "kill")
    assert "Target returns error code" in output
    assert not file.exists()


def test_a_circular_buffer(served, tmp_path):
    actions = "set circular-trace-buffer on\nset trace-buffer-size 4000\n" + KERNEL.replace(
        "while-stepping 3", "while-stepping 40"
    )
    output = served.gdb(script(tmp_path / "circular.gdb", actions), "tstatus", "kill")
    match = re.search(r"contains (\d+) trace frames \(of (\d+) created total\)", output)
    assert match and int(match[1]) < int(match[2])
    assert "Trace buffer is circular" in output


def test_tracing_goes_on_without_gdb(served, tmp_path):
    text = "set disconnected-tracing on\ntrace do_syscall_64\nactions\ncollect regs->orig_ax\nend\ntstart\ndetach\n"
    served.gdb(script(tmp_path / "away.gdb", text))
    trace = served.server._resident.trace
    deadline = time.monotonic() + 20
    while len(trace.buffer) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    output = served.gdb("tstatus", "tstop", "tfind start", "tdump", "info tracepoints", "kill")
    assert "Trace will continue if GDB disconnects" in output
    assert "regs->orig_ax = 1" in output
    assert re.search(r"\d+\s+tracepoint\s+keep y.*do_syscall_64", output)
