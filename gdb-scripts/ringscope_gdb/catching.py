"""x86 catch: stops at events of the processor, which the machine itself offers by `monitor catch`."""

from __future__ import annotations

import gdb

from .command import Arguments, Lines, command


@command("x86 catch")
def catch(arguments: Arguments) -> Lines:
    """Stop at an event of the processor; without arguments, list these stops.
    Usage: x86 catch [ring|exception|interrupt|cr3|cr|msr|port|mmio|hlt|triple-fault|delete ...]

    x86 catch ring 3-0, x86 catch exception pf, x86 catch port 0x3f8-0x3ff write, x86 catch delete 2.
    `monitor help catch` says what each takes. Only ringscope's machine has them."""
    words = (*arguments.words, *sorted(arguments.options)) or ("list",)
    try:
        yield from gdb.execute(f"monitor catch {' '.join(words)}", to_string=True).splitlines()
    except gdb.error as error:
        raise gdb.GdbError(str(error)) from None
