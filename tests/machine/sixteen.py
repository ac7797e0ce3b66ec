"""A guest that starts in real mode at 1000:0000, with its stack below 2000:8000 and its data in the same segment."""

from machine.boot.entry import ESP
from machine.boot.real import real_mode
from machine.machine import Machine
from tests.machine.handmade import SIZE, Guest, assemble

CODE_SEGMENT, STACK_SEGMENT = 0x1000, 0x2000
CODE, STACK, TOP = CODE_SEGMENT << 4, STACK_SEGMENT << 4, 0x8000
SCRATCH = 0x3000
"""Offset in the data segment, which is the stack's."""


class Sixteen(Guest):
    """The guest.  ``output`` collects its serial bytes."""

    word = 2

    def __init__(self, source="", *, sp=TOP, memory=SIZE, prepare=lambda machine: None, **options):
        self.output = bytearray()
        super().__init__(Machine(memory, send=self.output.extend, **options))
        prepare(self.machine)
        self.machine.memory.write(CODE, assemble(".code16\n" + source, CODE))
        real_mode(self.cpu, CODE_SEGMENT, 0, {ESP: sp}, STACK_SEGMENT)

    def vector(self, number, offset, segment=CODE_SEGMENT):
        self.machine.memory.write(4 * number, offset.to_bytes(2, "little") + segment.to_bytes(2, "little"))

    def frame(self, count=3):
        """Words on the stack, the last one pushed first."""
        base, sp = self.reg("ss") << 4, self.reg("rsp")
        return [self.peek(base + (sp + 2 * index & 0xFFFF)) for index in range(count)]
