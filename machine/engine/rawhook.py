"""Hooks by pointer: machine code as a callback, and the instructions that the Python binding refuses."""

from __future__ import annotations

import ctypes

from unicorn import Uc
from unicorn.unicorn_py3.unicorn import uclib

from machine.errors import EngineError


def add_hook(
    uc: Uc,
    kind: int,
    callback: ctypes.c_void_p,
    data: object = None,
    *,
    instruction: int | None = None,
    at: tuple[int, int] | None = None,
) -> int:
    """Hook every address, or those from a first to a last; returns the handle for `remove_hook`.

    ``callback`` must outlive the engine; ``data`` is a structure it gets a pointer to.

    Raises `EngineError` with the library's error number.
    """
    hook = ctypes.c_size_t()
    addresses = map(ctypes.c_uint64, (1, 0) if at is None else at)
    extra = () if instruction is None else (ctypes.c_int(instruction),)
    user_data = None if data is None else ctypes.byref(data)  # type: ignore[arg-type]
    error = uclib.uc_hook_add(uc._uch, ctypes.byref(hook), kind, callback, user_data, *addresses, *extra)
    if error:
        raise EngineError(f"the engine refused a hook of kind {kind:#x}: error {error}")
    return hook.value


def remove_hook(uc: Uc, handle: int) -> None:
    """Remove a hook of `add_hook`.  Raises `EngineError` with the library's error number."""
    error = uclib.uc_hook_del(uc._uch, ctypes.c_size_t(handle))
    if error:
        raise EngineError(f"the engine did not remove hook {handle:#x}: error {error}")
