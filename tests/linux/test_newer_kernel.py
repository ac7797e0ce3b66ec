"""Linux 6.12, of a later Debian: another suite by `--release`, a payload packed by zstd, another decompressor."""

import pytest

from tests.linux.conftest import fetched
from tests.linux.debian import Debian

pytestmark = [pytest.mark.linux, pytest.mark.timeout(400)]

SUITE = "trixie"
SECONDS = 200


@pytest.fixture(scope="module")
def newer_files(files):
    return fetched(suite=SUITE, initrd=files.initrd)


@pytest.mark.parametrize("entry", [None, "64"])
def test_it_leads_to_the_shell(newer_files, entry):
    debian = Debian(newer_files, entry=entry, append="quiet").shell(SECONDS)
    (release,) = debian.ask("uname -r")
    assert release.startswith("6.12.") and release in newer_files.kernel.name
    assert debian.ask("echo $((6 * 7)) | sed s/4/four/") == ["four2"]
