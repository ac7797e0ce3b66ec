"""What every test may rely on: marks for optional peers, one Hypothesis profile, a gdb without memories."""

import os
import shutil

import pytest
from hypothesis import settings

from machine.engine.native import build

# mark -> the program it needs and the Debian package that brings it
PEERS = {
    "gdb": ("gdb", "gdb"),
    "qemu": ("qemu-system-x86_64", "qemu-system-x86"),
    "gdbserver": ("gdbserver", "gdbserver"),
    "linux": ("apt-get", "apt"),
}

# A wall-clock deadline per example would make the result depend on the load of the host.
settings.register_profile("ringscope", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("ringscope")


def pytest_configure(config):
    if build.stale():
        pytest.exit("the machine code in machine/engine/native was built from other sources; ./run setup builds it", 2)
    for mark, (program, _) in PEERS.items():
        config.addinivalue_line("markers", f"{mark}: needs {program}")


def pytest_collection_modifyitems(config, items):
    """Leave out what takes minutes unless the command line asks for it."""
    if "soak" in config.option.markexpr:
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in set(long)]


def pytest_runtest_setup(item):
    """Skip a test whose peer is missing; where CI=true nothing may be skipped for that reason."""
    for mark, (program, package) in PEERS.items():
        if item.get_closest_marker(mark) is None or shutil.which(program):
            continue
        reason = f"{program} is not installed (Debian package {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def plain_gdb(monkeypatch, tmp_path_factory):
    """Keep gdb away from the user's history file and from debuginfod servers."""
    monkeypatch.delenv("DEBUGINFOD_URLS", raising=False)
    monkeypatch.setenv("GDBHISTFILE", os.devnull)
