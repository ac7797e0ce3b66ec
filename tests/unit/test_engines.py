"""Which engine runs, what it needs of the library, and how its absence is told."""

import gc
import re
import subprocess
import sys
import weakref

import pytest

from machine.engine import choice, fast, library, machinecode, plainpoints, proof, state
from machine.engine.choice import Engine, best
from machine.engine.machinecode import MachineCode
from machine.engine.native import build
from machine.engine.progress import executable_blob
from machine.errors import EngineError
from machine.limits import ENGINE_NAMES
from machine.machine import Machine
from ringscope.boot import power_on
from ringscope.configuration import Configuration
from ringscope.doctor import examine


@pytest.fixture
def fresh():
    """Nothing of the library is known yet; afterwards, again."""
    caches = (library.library, proof.refusal)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_the_command_lines_names_are_engines():
    assert set(ENGINE_NAMES) == {engine.value for engine in Engine} - {"plain"}


def test_the_engine_is_the_one_named():
    assert Machine(1 << 20, engine=Engine.FAST).cpu.fast
    assert Machine(1 << 20, engine=Engine.PORTABLE).cpu.fast is None
    assert Machine(1 << 20).cpu.fast, "the fast one where it can run"


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(library, "uc_version", lambda: (2, 1, 0x020105FF)),
        lambda patch: patch.setattr(library.platform, "machine", lambda: "riscv64"),
        lambda patch: patch.setattr(library, "_TLB_FILL", library.re.compile(rb"(no such code)")),
        lambda patch: patch.setattr(library, "_TRANSLATOR", 16),
    ],
    ids=["another release", "another host", "other code", "no call site"],
)
def test_an_unknown_library_gets_the_portable_engine(fresh, monkeypatch, change):
    change(monkeypatch)
    assert proof.refusal()
    assert best() is Engine.PORTABLE
    assert Machine(1 << 20).cpu.fast is None
    with pytest.raises(EngineError):
        Machine(1 << 20, engine=Engine.FAST)


@pytest.mark.parametrize("way", ["shorten", "single_out"])
def test_the_proof_finds_a_block_that_does_not_end_where_it_is_told(fresh, monkeypatch, way):
    monkeypatch.setattr(fast.FastProgress, way, lambda self, *_: None)
    assert "proved the fast engine wrong" in proof.refusal()


def test_an_unexported_function_is_named():
    with pytest.raises(EngineError, match="no_such_function"):
        library.address("no_such_function")


def test_the_doctor_says_which_engine_runs_and_why(monkeypatch):
    told = {finding.what: finding for finding in examine()}
    assert told["engine"].text.startswith("fast") and told["engine"].good
    monkeypatch.setattr(choice, "refusal", lambda: "reasons")
    monkeypatch.setattr("ringscope.doctor.refusal", lambda: "reasons")
    told = {finding.what: finding for finding in examine()}
    assert told["engine"].text.startswith("portable") and told["engine"].text.endswith("reasons")


def test_the_command():
    ran = subprocess.run([sys.executable, "-m", "ringscope.cli", "doctor"], capture_output=True, text=True, timeout=60)
    assert "engine:  fast" in ran.stdout
    wrong = [sys.executable, "-m", "ringscope.cli", "run", "--engine", "warp"]
    ran = subprocess.run(wrong, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2 and "warp" in ran.stderr and "portable" in ran.stderr


def test_many_machines_come_and_go():
    for _ in range(20):
        machine = Machine(1 << 20)
        machine.memory.write(0xFFFF0, b"\xf4")
        del machine


@pytest.mark.parametrize("engine", Engine)
def test_a_machine_that_nobody_holds_is_gone(engine):
    machine = Machine(1 << 20, engine=engine)
    gone = weakref.ref(machine.cpu.uc)
    del machine
    gc.collect()
    assert gone() is None


def test_machine_code_of_other_sources_is_refused_in_words(monkeypatch):
    assert not build.stale()
    monkeypatch.setattr(build, "COMPILE", [*build.COMPILE, "-O0"])
    assert build.stale()
    assert executable_blob() is None
    with pytest.raises(EngineError, match="was built from other sources than are here"):
        MachineCode(library.library())


def test_who_boots_without_machine_code_that_could_be_is_told(monkeypatch):
    assert power_on(Configuration()).notes == ()
    monkeypatch.setattr(choice, "refusal", lambda: "reasons")
    monkeypatch.setattr(build, "COMPILE", [*build.COMPILE, "-O0"])
    [note] = power_on(Configuration()).notes
    assert note.startswith("slowly, on the portable engine") and note.endswith("./run setup builds it anew")
    assert power_on(Configuration(engine="portable")).notes == ()


def test_machine_code_without_its_sources_is_taken_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "LINKER_SCRIPT", tmp_path / "nothing")
    assert not build.stale()
    assert executable_blob() is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECURRING", state._IN_PIECES),
        ("MET", plainpoints._MET),
        ("MOST_HOOKED", machinecode.MOST_HOOKED),
        ("MOST_LISTS", machinecode.MOST_LISTS),
        ("MOST_TABLES", machinecode.MOST_TABLES),
        ("LEAVABLE", machinecode.LEAVABLE),
        ("FOUND", machinecode.FOUND),
    ],
)
def test_numbers_that_machine_code_and_python_share(name, value):
    header = (build.HERE / "fast.h").read_text()
    assert int(re.search(rf"^#define {name} (\w+)", header, re.MULTILINE)[1], 0) == value
