"""Stock gdb at the walk of a path and at a pipe; the host reads what programs wrote."""

import re

import pytest

from tests.realgdb.harness import functions
from tests.realgdb.served import gdb_from_boot

pytestmark = pytest.mark.gdb


@pytest.fixture
def gdb(tmp_path):
    """gdb(test of usertests, commands…) -> gdb's output, from the first instruction on"""

    return lambda test, *commands: gdb_from_boot(tmp_path, f"panic=-1 init=/bin/usertests -- {test}", *commands)


def test_a_path_is_walked_name_by_name(gdb):
    output = gdb(
        "symbolic_links",
        *("break follow_link", "continue", "bt", "p nd->links", "p link->d_inode->i_link"),
        *("tbreak lookup_one", "continue", "p *name", "p dir->d_name.name"),
    )
    assert functions(output)[:3] == ["follow_link", "open_last", "do_filp_open"], output
    assert "$1 = 0" in output and re.search(r'\$2 = 0x[0-9a-f]+ "file"', output)
    assert re.search(r'\$3 = \{name = 0x[0-9a-f]+ "file", len = 4\}', output)
    assert re.search(r'\$4 = 0x[0-9a-f]+ "sym"', output)


def test_a_pipe_fills_and_drains(gdb):
    output = gdb(
        "pipe_passes_bytes",
        *("break copy_in", "continue", "p *pipe", "finish", "tbreak copy_out", "continue", "p pipe->head - pipe->tail"),
        *("bt",),
    )
    assert "readers = 1, writers = 1" in output or "readers = 1, writers = 2" in output
    assert "Value returned is $2 = 5" in output
    assert functions(output)[:4] == ["copy_out", "pipe_read", "vfs_read", "sys_read"], output


def test_a_file_of_proc_is_made_as_it_is_read(gdb):
    output = gdb("proc_self", "break proc_pid_maps", "continue", "bt", "p task->comm", "p m->from")
    assert functions(output)[:4] == ["proc_pid_maps", "show_entry", "single_read", "proc_pid_read"], output
    assert '$1 = "usertests' in output and "$2 = 0" in output
