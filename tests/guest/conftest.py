"""Every test that asks for `boot` runs on our own machine and in QEMU."""

from functools import partial

import pytest

from kernel import build
from tests.guest.boot import on_machine, on_qemu


@pytest.fixture(scope="session", autouse=True)
def fresh_image():
    """The image that is tested is the one that the sources give."""
    if build.stale(build.IMAGE):
        build.build(build.IMAGE)


@pytest.fixture(params=["machine", pytest.param("qemu", marks=pytest.mark.qemu)])
def boot(request, tmp_path):
    """boot(command line, typed=lines, initramfs=bytes, memory=MiB) -> Run"""
    return on_machine if request.param == "machine" else partial(on_qemu, directory=tmp_path)
