"""The cpio writer, read back by the format's own rules."""

import shutil
import stat
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.cpio import TRAILER, Member, archive, character_device, directory, regular
from kernel.errors import ArchiveError


def read(data):
    """Members of a newc archive, the trailer excluded."""
    at, found = 0, []
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, device, name_size = fields[1], fields[6], (fields[9], fields[10]), fields[11]
        name = data[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        start = at + 110 + name_size + 3 & ~3
        if name[:-1].decode() == TRAILER:
            assert start == len(data)
            return found
        found.append(Member(name[:-1].decode(), mode, data[start : start + size], device))
        at = start + size + 3 & ~3


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20)


@given(st.dictionaries(NAMES, st.binary(max_size=40)))
def test_what_is_written_is_read(files):
    members = [regular(name, data) for name, data in files.items() if name != TRAILER]
    assert read(archive(members)) == sorted(members)


def test_directories_on_the_way_are_added():
    members = read(archive([regular("a/b/c", b"x"), character_device("dev/null", 1, 3)]))
    assert [member.path for member in members] == ["a", "a/b", "a/b/c", "dev", "dev/null"]
    assert stat.S_ISDIR(members[0].mode) and stat.S_ISCHR(members[-1].mode)
    assert members[-1].device == (1, 3)


def test_a_directory_that_is_given_is_kept():
    private = directory("a")._replace(mode=stat.S_IFDIR | 0o700)
    assert read(archive([regular("a/b", b""), private]))[0] == private


def test_the_order_of_members_does_not_matter():
    members = [regular("b", b"1"), regular("a", b"2", executable=True), directory("c")]
    assert archive(members) == archive(members[::-1])


def test_one_path_twice_is_refused():
    with pytest.raises(ArchiveError, match="two members of one path: a"):
        archive([regular("a", b""), regular("a", b"")])


def test_a_field_that_does_not_fit_is_refused():
    with pytest.raises(ArchiveError, match="dev/x"):
        archive([character_device("dev/x", 1 << 32, 0)])


@pytest.mark.skipif(shutil.which("cpio") is None, reason="cpio is not installed")
def test_cpio_itself_reads_it():
    listed = subprocess.run(["cpio", "-t"], input=archive([regular("a/b", b"xyz")]), capture_output=True, check=True)
    assert listed.stdout.decode().split() == ["a", "a/b"]
