"""Make the pages that are made from code: docs/protocol.md and docs/abi.md.

python docs/generate.py             # write them
python docs/generate.py --check     # status 1 and their names if they differ from what would be written
"""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS.parent), str(DOCS)]

from peers import PEERS, ROWS, Row  # noqa: E402

from gdbstub.agent.opcodes import TABLE as OPCODES  # noqa: E402
from gdbstub.agent.opcodes import Kind  # noqa: E402
from gdbstub.protocol import TABLE  # noqa: E402
from gdbstub.registers import RegisterSet  # noqa: E402
from kernel.abi.headers import document  # noqa: E402
from ringscope.guesttarget import GuestTarget  # noqa: E402
from ringscope.layout import REGISTERS  # noqa: E402

PROTOCOL = """# The protocol

Generated from the packet table (`gdbstub/protocol.py`) and the register layout (`ringscope/layout.py`).

`ringscope serve --trace` prints every packet of both directions. A field is `{name:type}`; a packet with a power is
answered only if the target has that power, a Protocol of `gdbstub/target.py`; a feature is what `qSupported`
announces. A packet that is in no row gets the empty reply, a malformed one an error, and neither ends the session.
Errors are numbers, and sentences for a client that offers `error-message`: of a malformed packet the sentence names
the field and what it holds (`m: address 'zz' is not a hexadecimal number of up to 64 bits`).
"""

REGISTER_NOTE = """## The register layout

One layout in every processor mode, in the order of `g`. The stop reply carries {expedited} already.
"""


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|") or " "


def packets() -> Iterator[str]:
    """The packet table, a section a topic."""
    for topic, rows in groupby(TABLE.describe(), key=lambda row: row.topic):
        yield f"## {topic.capitalize()}\n"
        yield "| packet | meaning | power | feature |\n|---|---|---|---|"
        for row in rows:
            power, feature = (f"`{cell(text)}`" if text else "" for text in (row.needs, row.feature))
            yield f"| `{cell(row.pattern)}` | {cell(row.meaning)} | {power} | {feature} |"
        yield ""


BESIDE = """## Beside other servers

What the machine answers, what others do, and why a packet is left out, or a part of it. Theirs was read in their
sources in 2026, some was tried: Y yes, P partly, N no, L announced but not done, ? not known.
"""


def beside() -> Iterator[str]:
    """The features of the protocol with what other servers make of them."""
    yield BESIDE
    yield "| feature | here | " + " | ".join(PEERS) + " |"
    yield "|---" * (len(PEERS) + 2) + "|"
    for row in ROWS:
        answered = "partly" if row.reason else "yes"
        here = ": ".join(filter(None, (answered if is_answered(row) else "no", row.reason)))
        yield f"| {row.feature} | {here} | " + " | ".join(row.peers) + " |"
    yield ""


def is_answered(row: Row) -> bool:
    """Whether the machine's own target answers all packets of a row."""
    target = object.__new__(GuestTarget)
    patterns = [each.pattern.text for each in TABLE.rows if each.available(target)]
    return all(any(pattern.startswith(packet) for pattern in patterns) for packet in row.packets)


def features() -> Iterator[str]:
    """What `qSupported` announces beside the packets' own features."""
    yield "## Announced beside these\n"
    yield "| feature | power | only if gdb offers |\n|---|---|---|"
    for feature in TABLE.features:
        power = f"`{feature.needs.__name__}`" if feature.needs else ""
        offered = ", ".join(f"`{name}+`" for name in feature.offered)
        yield f"| `{feature.text}` | {power} | {offered} |"
    yield ""


def registers(layout: RegisterSet) -> Iterator[str]:
    """The features of target.xml and their registers."""
    expedited = ", ".join(f"`{name}`" for name in layout.expedited)
    yield REGISTER_NOTE.format(expedited=expedited)
    yield "| feature | registers: bits |\n|---|---|"
    for feature in layout.features:
        runs = groupby(feature.registers, key=lambda register: register.bits)
        listed = "; ".join(f"{' '.join(f'`{register.name}`' for register in run)}: {bits}" for bits, run in runs)
        yield f"| `{feature.name}` | {listed} |"


OPCODE_NOTE = """## Agent expressions

The byte code in which gdb sends conditions, `dprintf` and what tracepoints collect, checked whole when it arrives.
`a` and `b` are the elements taken from the stack, `b` the upper one; `n` is the operand.
"""


def opcodes() -> Iterator[str]:
    """The byte code of agent expressions."""
    yield OPCODE_NOTE
    yield "| code | name | operand bytes | takes | leaves | meaning |\n|---|---|---|---|---|---|"
    for opcode in OPCODES:
        counts = f"{opcode.operand} | {opcode.pops} | {opcode.pushes}"
        refused = "refused: " if opcode.kind is Kind.REFUSED else ""
        yield f"| `{opcode.code:#04x}` | `{opcode.name}` | {counts} | {refused}{cell(opcode.meaning)} |"
    yield ""


def pages() -> dict[str, str]:
    """Name, in docs/, and text of every generated page."""
    protocol = "\n".join([PROTOCOL, *packets(), *features(), *beside(), *opcodes(), *registers(REGISTERS)]) + "\n"
    return {"protocol.md": protocol, "abi.md": document()}


def stale() -> list[str]:
    """The names of the pages that are missing or differ."""
    return [name for name, text in pages().items() if not (DOCS / name).is_file() or (DOCS / name).read_text() != text]


def main(words: list[str]) -> int:
    """Write the pages, or compare them."""
    if words == ["--check"]:
        names = stale()
        for name in names:
            sys.stderr.write(f"docs/{name} is stale: run python docs/generate.py\n")
        return 1 if names else 0
    for name, text in pages().items():
        (DOCS / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
