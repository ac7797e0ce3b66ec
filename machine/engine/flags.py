"""Flags up to date before an instruction: the hook of native/flags.c, and the same in Python."""

from __future__ import annotations

import ctypes

from unicorn import Uc
from unicorn.unicorn_py3.unicorn import uclib
from unicorn.x86_const import UC_X86_REG_EFLAGS

from machine.engine.state import CC_OP_LOGICB, CC_OP_LOGICQ, Front, State

_pointer = ctypes.c_void_p


class Flags(ctypes.Structure):
    """``struct flags`` of native/flags.c."""

    _fields_ = (
        *((name, _pointer) for name in ("read", "write", "save", "context", "cc_op", "eflags")),
        ("number", ctypes.c_uint64),
    )
    state: State

    @classmethod
    def of(cls, state: State) -> Flags:
        """The hook's data for one processor."""
        functions = (uclib.uc_reg_read, uclib.uc_reg_write, uclib.uc_context_save)
        places = (ctypes.cast(function, _pointer).value for function in functions)
        fields = (ctypes.addressof(state.front) + field.offset for field in (Front.cc_op, Front.eflags))
        flags = cls(*places, state.context, *fields, UC_X86_REG_EFLAGS)
        flags.state = state
        return flags

    def update(self, uc: Uc, _address: int, _size: int, _data: object) -> None:
        """``update_flags``, as a hook in Python."""
        self.state.load()
        if not CC_OP_LOGICB <= self.state.front.cc_op <= CC_OP_LOGICQ:
            uc.reg_write(UC_X86_REG_EFLAGS, uc.reg_read(UC_X86_REG_EFLAGS))
