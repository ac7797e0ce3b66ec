"""What stock gdb sends for one step in a kernel that GCC built: what docs/gdb.md says of it."""

import pytest

from gdbstub.server import Policy, Then
from ringscope.boot import power_on
from ringscope.linux import configuration
from tests.realgdb.harness import gdb_batch
from tests.realgdb.served import served

pytestmark = [pytest.mark.linux, pytest.mark.gdb, pytest.mark.timeout(400)]

MARK = b"qC"
TO_A_STEP = ("set breakpoint always-inserted on", "hbreak do_syscall_64", "continue", "stepi", "stepi")


@pytest.mark.parametrize(
    ("command", "kinds"),
    [("stepi", ["vCont;s", "m", "qXfer:threads"]), ("stepi 5", [*["vCont;s", "m"] * 5, "qXfer:threads"])],
)
def test_a_step_reads_the_stack_and_no_code(files_with_symbols, tmp_path, command, kinds):
    packets = []

    def take(direction, packet):
        if direction == "<-":
            packets.append(packet)

    guest = power_on(configuration(files_with_symbols), bytearray().extend)
    with served(guest, tmp_path / "gdb.sock", trace=take, policy=Policy(killed=Then.RETURN)) as server:
        commands = (
            f"target remote {server.address}",
            *TO_A_STEP,
            "maint packet qC",
            command,
            "maint packet qC",
            "kill",
        )
        gdb_batch(*commands, file=files_with_symbols.symbols)
    first, last = [index for index, packet in enumerate(packets) if packet == MARK][-2:]
    assert [
        kind for packet in packets[first + 1 : last] for kind in set(kinds) if packet.startswith(kind.encode())
    ] == kinds
