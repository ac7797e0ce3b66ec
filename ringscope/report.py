"""Why a machine stopped, in a sentence for people."""

from __future__ import annotations

from collections.abc import Iterator

from machine import stop
from machine.x86.vectors import vector_name


def sentence(reason: stop.Stop) -> str:
    """One line; a triple fault's chain is in `chain`."""
    match reason:
        case stop.Breakpoint(address):
            return f"breakpoint at {address:#x}"
        case stop.Watchpoint(access, address, start):
            return f"watchpoint: {access.value} of {address:#x} (watched from {start:#x})"
        case stop.Interrupted():
            return "interrupted"
        case stop.Halted(address):
            return f"halted for good at {address:#x}: HLT with interrupts disabled"
        case stop.Exited(code):
            return f"the guest ended the machine with code {code}"
        case stop.Shutdown(chain):
            return f"triple fault at {chain[0].address:#x}: " + " -> ".join(vector_name(link.vector) for link in chain)
    return "stepped"


def chain(reason: stop.Shutdown) -> Iterator[str]:
    """The faults that led to a shutdown, oldest first, and why each delivery failed."""
    for number, link in enumerate(reason.chain):
        code = "" if link.error_code is None else f" error {link.error_code:#x}"
        yield f"  {number}. {vector_name(link.vector)}{code} at {link.address:#x}: {link.reason}"
