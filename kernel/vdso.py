"""What a kernel maps into its programs to help them enter it (Linux: arch/x86/entry/vdso)."""

from __future__ import annotations

from kernel.errors import UnreadableError
from kernel.objects import Kernel
from kernel.tasks import current_task

IMAGE_32 = "vdso_image_32"


def int80_landing_pad(kernel: Kernel) -> int:
    """Where the running task's SYSENTER leads back to (Linux: arch/x86/entry/common.c, do_SYSENTER_32).

    Raises UnreadableError, and SymbolsError for a kernel without 32-bit programs.
    """
    mm = current_task(kernel).mm
    if mm is None:
        raise UnreadableError("the running task has no address space")
    image = kernel.variable(IMAGE_32, "struct vdso_image")
    return mm.number("context.vdso") + image.number("sym_int80_landing_pad")
