"""What a user of stock gdb waits for: the same workload, with gdb itself as the client."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.client import WrongAnswer
from benchmarks.measures import COMPUTE, TICKS, Measure

STEPS, PASSES = 1000, 5000
PATIENCE = 60.0  # seconds

MEASURES = (
    Measure("gdb step", "s", f"stock gdb: `stepi {STEPS}`", None, False),
    Measure("gdb trips", "packets", "stock gdb: what it sends for one `stepi`", None, False),
    Measure("gdb step kept", "s", f"`stepi {STEPS}` where gdb may keep memory while nothing runs", None, False),
    Measure("gdb trips kept", "packets", "stock gdb: what it sends for one `stepi` then", None, False),
    Measure("gdb condition", "s", f"stock gdb: `break tick if counter == {PASSES}`, to the stop", None, False),
)

SCRIPT = Path(__file__).parent / "gdb_script.py"


def installed():
    return shutil.which("gdb") is not None


def measure(port, elf):
    """The figures by name, from one session of gdb.  Raises WrongAnswer with gdb's words if one is missing."""
    values = {"port": port, "steps": STEPS, "passes": PASSES, "compute": COMPUTE, "ticks": TICKS}
    setting = ";".join(f"{name} = {value}" for name, value in values.items())
    argv = ["gdb", "-nx", "-q", "-batch", "-ex", f"python {setting}", "-x", SCRIPT, elf]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise WrongAnswer(f"gdb did not come to its end in {PATIENCE:g} s") from error
    figures = dict(
        line.removeprefix("figure ").rsplit(" ", 1) for line in done.stdout.splitlines() if line.startswith("figure ")
    )
    if len(figures) < len(MEASURES):
        raise WrongAnswer(f"gdb measured {len(figures)} of {len(MEASURES)}: {done.stderr[-400:]}")
    return {name: float(value) for name, value in figures.items()}
