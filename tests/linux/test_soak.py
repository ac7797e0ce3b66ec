"""bash, Perl and Python from Debian's own packages at work in the guest: twice the same results, and the host's own."""

import dataclasses
import platform
import re
import stat
import subprocess
from pathlib import Path

import pytest

from kernel.cpio import regular
from ringscope import initramfs, linux
from tests.linux.debian import Debian

pytestmark = [
    pytest.mark.linux,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the host runs the same programs"),
]

SCRIPTS = Path(__file__).parent / "soak"
PACKAGES = (
    *("libc6", "libtinfo6", "libcrypt1", "libexpat1", "zlib1g"),
    *("bash", "perl-base", "libpython3.11-minimal", "python3.11-minimal"),
)
WANTED = ("bin/", "lib/x86_64", "lib64/", "usr/bin/", "usr/lib/python3", "usr/lib/x86_64")
UNWANTED = ("/gconv/", "/unicore/")
LANGUAGES = {"bash": ("/bin/bash", "bash"), "perl": ("/usr/bin/perl", "pl"), "python": ("/usr/bin/python3.11", "py")}
LOADER, LIBRARIES = "lib64/ld-linux-x86-64.so.2", ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
ENVIRONMENT = {"LC_ALL": "C", "TMP": "/tmp", "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
SHORT, LONG = 1, 10
"""How much work."""

SECONDS = 600
ROUNDS = 2


@pytest.fixture(scope="module")
def userland(files):
    """Debian's files, by path."""
    packages = linux.cache(print)
    found = {}
    for name in PACKAGES:
        for member in packages.members(packages.release(name), *WANTED):
            if not any(part in member.path for part in UNWANTED):
                found[member.path] = member
    return found


@pytest.fixture(scope="module")
def root(userland, tmp_path_factory):
    """The same on the host, where the programs run by their own loader with their own libraries."""
    root = tmp_path_factory.mktemp("root")
    for path, member in userland.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(member.mode):
            target = member.data.decode()
            place.symlink_to(f"{root}{target}" if target.startswith("/") else target)
        elif stat.S_ISREG(member.mode):
            place.write_bytes(member.data)
            place.chmod(member.mode & 0o777)
    return root


@pytest.fixture(scope="module")
def guest(files, userland, tmp_path_factory):
    """Debian with the programs and the scripts in its initial RAM disk."""
    scripts = [regular(f"soak/{path.name}", path.read_bytes()) for path in sorted(SCRIPTS.iterdir())]
    initrd = tmp_path_factory.mktemp("initrd") / "initrd.cpio"
    busybox = files.initrd.with_name("busybox").read_bytes()
    initrd.write_bytes(initramfs.build(busybox, [*userland.values(), *scripts]))
    debian = Debian(dataclasses.replace(files, initrd=initrd)).shell()
    for name, value in ENVIRONMENT.items():
        debian.ask(f"export {name}={value}")
    return debian


def on_the_host(root, language, much):
    program, suffix = LANGUAGES[language]
    libraries = ":".join(str(root / path) for path in LIBRARIES)
    words = [root / LOADER, "--library-path", libraries, f"{root}{program}", SCRIPTS / f"work.{suffix}", str(much)]
    homes = {"PYTHONHOME": f"{root}/usr", "PERL5LIB": f"{root}/usr/lib/x86_64-linux-gnu/perl-base"}
    ran = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT | homes, timeout=SECONDS)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def in_the_guest(debian, language, much):
    program, suffix = LANGUAGES[language]
    debian.type(f"{program} /soak/work.{suffix} {much} >/tmp/out 2>&1; echo status $?; cat /tmp/out")
    said = debian.expect(initramfs.PROMPT, seconds=SECONDS).splitlines()
    start = next(i for i, line in enumerate(said) if re.fullmatch(r"status \d+", line))
    assert said[start] == "status 0", "\n".join(said)
    return said[start + 1 :]


def check(debian, root, language, much):
    expected = on_the_host(root, language, much)
    assert len(expected) > 5
    for _ in range(ROUNDS):
        assert in_the_guest(debian, language, much) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_work_has_the_hosts_results(guest, root, language):
    check(guest, root, language, SHORT)


@pytest.mark.soak
@pytest.mark.parametrize("language", LANGUAGES)
def test_much_work_has_the_hosts_results(guest, root, language):
    check(guest, root, language, LONG)
