"""Run by gdb, which is given ``port``, ``steps`` and the other names first: the figures of `benchmarks.gdb`."""

import time

import gdb


def run(command):
    return gdb.execute(command, to_string=True)


def start(command):
    """From bench_ready: queue a command that goes on for long."""
    run(f"set var *(unsigned long *)&bench_cmd = {command}")
    run("set var *(unsigned long *)&bench_arg = 1 << 30")


def go_to(place):
    run(f"tbreak *&{place}")
    run("continue")


def seconds(command):
    begin = time.perf_counter()
    run(command)
    return time.perf_counter() - begin


def packets(command):
    """How many gdb sends for a command."""
    run("set debug remote 1")
    log = run(command)
    run("set debug remote 0")
    return log.count("Sending packet: ")


def measure(port, steps, passes, compute, ticks):
    for setting in ("pagination off", "confirm off", "architecture i386:x86-64"):
        run(f"set {setting}")
    run(f"target remote 127.0.0.1:{port}")
    go_to("bench_ready")
    start(compute)
    go_to("compute_loop")
    run("stepi 10")
    yield "gdb trips", packets("stepi")
    yield "gdb step", seconds(f"stepi {steps}")
    for setting in ("delete mem", "mem 0 0 rw cache"):
        run(setting)
    yield "gdb trips kept", packets("stepi")
    yield "gdb step kept", seconds(f"stepi {steps}")
    for setting in ("delete mem", "mem auto"):
        run(setting)
    run("set var $rcx = 1")
    go_to("bench_ready")
    start(ticks)
    # By its address: without debug information gdb cannot tell the server where it is.
    counter = f"*(unsigned long *){int(gdb.parse_and_eval('(unsigned long)&counter'))}"
    last = int(gdb.parse_and_eval(counter)) + passes
    run(f"break *&tick if {counter} == {last}")
    yield "gdb condition", seconds("continue")
    if int(gdb.parse_and_eval(counter)) != last:
        raise gdb.GdbError("the condition stopped elsewhere")


for name, value in measure(port, steps, passes, compute, ticks):  # noqa: F821
    print("figure", name, value)
