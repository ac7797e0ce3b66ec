"""The machine without gdb and without a server: boot, stop at a symbol, read a structure, step over the iretq.

python examples/in_process.py
"""

import sys

from machine.machine import Machine
from machine.stop import Breakpoint
from ringscope.boot import Configuration, power_on


def run_to(machine: Machine, address: int) -> None:
    """Run to an address. Raises RuntimeError if the machine stops for another reason."""
    machine.cpu.breakpoints.insert(address)
    stop = None
    while stop is None:  # None: a slice of the run is over, and this loop could do something else
        stop = machine.run()
    machine.cpu.breakpoints.remove(address)
    if stop != Breakpoint(address):
        raise RuntimeError(f"stopped by {stop}, not at {address:#x}")


def main() -> None:
    guest = power_on(Configuration(), send=sys.stdout.buffer.write)
    machine, cpu, symbols = guest.machine, guest.machine.cpu, guest.symbols

    run_to(machine, symbols.lookup("start_thread").address)
    regs = cpu.read_register("rdi")  # struct pt_regs *regs, the first argument
    cs_at = regs + symbols.offset_of("struct pt_regs", "cs")
    before = int.from_bytes(machine.read_linear(cs_at, 8), "little")

    run_to(machine, symbols.lookup("native_irq_return_iret").address)
    after = int.from_bytes(machine.read_linear(cs_at, 8), "little")
    sys.stdout.flush()
    print(f"regs->cs at {cs_at:#x}: {before:#x}, then {after:#x}")

    for _ in range(2):
        rip, cs, cpl = (cpu.read_register(name) for name in ("rip", "cs", "cpl"))
        print(f"rip {rip:#x} cs {cs:#x} ring {cpl}, at {machine.position}")
        machine.step()


if __name__ == "__main__":
    main()
