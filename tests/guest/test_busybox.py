"""Debian's busybox, unmodified, under our kernel: a session of its shell, and what its programs say."""

import os
import re

import pytest

from kernel import cpio
from kernel.image import find_image
from machine.boot.load import boot as load
from machine.machine import Machine
from machine.stop import Exited
from ringscope import linux
from ringscope.apt import PackageError

MEMORY = 64 << 20
MOST_SLICES = 4000


@pytest.fixture(scope="module")
def busybox():
    """The program's bytes. Without a network there is nothing to test, but in CI that is a failure."""
    packages = linux.cache(print)
    try:
        return packages.file(packages.release(linux.BUSYBOX), "bin/busybox", "usr/bin/busybox").read_bytes()
    except PackageError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture
def script(busybox):
    """script(text) -> what it wrote to the console, run as the first program, without the boot's messages"""

    def run(text, *, quiet="quiet loglevel=1"):
        members = [
            cpio.character_device("dev/console", 5, 1),
            cpio.regular("bin/busybox", busybox, executable=True),
            cpio.regular("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
            cpio.regular("init", f"#!/bin/busybox sh\n{SETUP}{text}\npoweroff -f\n".encode(), executable=True),
        ]
        console = bytearray()
        machine = Machine(MEMORY, send=console.extend)
        load(
            machine, find_image().vmlinux.read_bytes(), initrd=cpio.archive(members), command_line=f"{quiet} init=/init"
        )
        for _ in range(MOST_SLICES):
            if (stop := machine.run()) is not None:
                break
        said = console.replace(b"\r", b"").decode()
        assert isinstance(stop, Exited) and stop.code == 0, said[-2000:]
        return said.partition("BEGIN\n")[2].rpartition("END\n")[0]

    return run


SETUP = """
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
trap 'echo END' EXIT
poweroff() { trap - EXIT; echo END; busybox poweroff -f; }
echo BEGIN
"""

# What each line of a script prints, to the letter.
EXACT = {
    "echo a b c | cat | wc": "        1         3         6\n",
    "for i in 1 2 3; do echo $i; done | tail -n 2": "2\n3\n",
    "seq 5 | awk '{s+=$1} END {print s}'": "15\n",
    "(exit 3); echo $?; false || echo no; test -f /init && echo file": "3\nno\nfile\n",
    "sleep 100 & kill $!; wait $!; echo status $?": "Terminated\nstatus 143\n",
    "trap 'echo trapped' USR1; kill -USR1 $$": "trapped\n",
    "yes | head -n 2": "y\ny\n",
    "mknod /p p; (echo fifo >/p &); cat /p": "fifo\n",
    "printf '#!/bin/sh\\necho script $0 $@\\n' >/s; chmod +x /s; /s x y": "script /s x y\n",
    "mkdir -p /d/e; echo text >/d/f; mv /d/f /d/g; ln -s g /d/l; cat /d/l; readlink /d/l; ls -1 /d; rm -r /d; ls /d": (
        "text\ng\ne\ng\nl\nls: /d: No such file or directory\n"
    ),
    "dd if=/dev/zero of=/z bs=1k count=100 2>/dev/null; md5sum /z; gzip /z; gunzip -c /z.gz | wc -c": (
        "4c6426ac7ef186464ecbb0d81cbfcb1e  /z\n102400\n"
    ),
    "tar cf - /etc 2>/dev/null | tar tf -": "etc/\netc/passwd\n",
    "timeout 1 sleep 5; echo $?": "Terminated\n143\n",
    "readlink /proc/self/exe; tr '\\0' ' ' </proc/self/cmdline; echo": "/bin/busybox\n/bin/busybox sh /init \n",
}


def test_the_shell_and_its_programs(script):
    lines = "".join(f"echo '<{number}>'; {line}\n" for number, line in enumerate(EXACT))
    parts = re.split(r"<\d+>\n", script(lines))[1:]
    assert dict(zip(EXACT, parts, strict=True)) == EXACT


def test_ls_shows_the_tree(script):
    listed = script("ls -l /")
    for line in (r"drwxr-xr-x +\d+ root .* bin", r"dr-xr-xr-x .* proc", r"-rwxr-xr-x +1 root .* init"):
        assert re.search(line, listed), listed


def test_maps_and_ps(script):
    said = script("cat /proc/self/maps; ps; mount; uname -a; date")
    assert re.search(r"^00401000-\w+ r-xp 00001000 00:02 \d+ +/bin/busybox$", said, re.MULTILINE)
    assert re.search(r"\[heap\]\n.*\[stack\]\n", said, re.DOTALL)
    assert re.search(r"^ +1 root +\{init\} /bin/busybox sh /init$", said, re.MULTILINE)
    assert "dev on /dev type devtmpfs" in said and "Linux ringscope 6.1.0-ringscope" in said
    assert "Wed Jan  1 00:00:00 UTC 2020" in said


def test_sleep_takes_its_time(script):
    assert re.fullmatch(r"real\t0m 1\.0[0-2]s\nuser\t0m 0\.\d\ds\nsys\t0m 0\.\d\ds\n", script("time sleep 1"))


def test_a_call_that_is_missing_is_said_once(script):
    said = script("ifconfig lo; ifconfig lo", quiet="loglevel=7")
    assert said.count("ifconfig: socket: Function not implemented") == 2
    assert len(re.findall(r"ifconfig\[\d+\]: system call 41 \(socket\) is not implemented", said)) == 1
