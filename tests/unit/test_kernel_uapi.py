"""The numbers that the kernel and its programs share are those of the Linux that runs this test."""

import ast
import errno
import fcntl
import mmap
import os
import re
import resource
import signal
import termios
import time

import pytest

from kernel.image import PACKAGE

UAPI = PACKAGE / "guest" / "include" / "uapi"

# fmt: off
HEADERS = (
    # header      how many at least    where Python has the same numbers
    ("errno",     44,                  (errno,)),
    ("fcntl",     20,                  (os, fcntl)),
    ("fs",         5,                  (os,)),
    ("mman",      10,                  (mmap,)),
    ("resource",  12,                  (resource, os)),
    ("signal",    34,                  (signal, os)),
    ("termios",   40,                  (termios,)),
    ("time",       6,                  (time, signal)),
    ("wait",       8,                  (os,)),
)
# fmt: on
OTHERWISE = {
    "RLIM_INFINITY": "Python's is signed",
    "SIGRTMIN": "C libraries keep two for themselves",
    "O_LARGEFILE": "C libraries of 64 bits have 0",
    "NCCS": "C libraries have room for more",
}


def number(text):
    """The value of a C constant: a sum of literals in C's own notation."""
    text = re.sub(r"\((?:int)\)|(?<=[0-9a-fA-F])[UL]+\b", "", text)
    text = re.sub(r"\b0([0-7]+)\b", r"0o\1", text)
    return int(ast.literal_eval(text.strip().strip("()")))


def defined(text):
    """Name and value of every #define of a number."""
    for name, value in re.findall(r"^#define (\w+)\s+(\(?-?[0-9][0-9a-fA-FxUL]*\)?)(?:\s|$)", text, re.MULTILINE):
        yield name, number(value)


def enumerated(text):
    """Name and value of every member of the enums."""
    for body in re.findall(r"\benum \{(.*?)\}", text, re.DOTALL):
        following = 0
        for name, value in re.findall(r"(\w+)(?: = ([^,]+))?(?:,|$)", body.strip()):
            following = number(value) if value else following
            yield name, following
            following += 1


def constants(header):
    text = re.sub(r"/\*.*?\*/", "", (UAPI / "linux" / f"{header}.h").read_text(), flags=re.DOTALL)
    return {**dict(defined(text)), **dict(enumerated(text))}


@pytest.mark.parametrize(("header", "least", "modules"), HEADERS, ids=[row[0] for row in HEADERS])
def test_numbers_are_linuxs(header, least, modules):
    ours = {name: value for name, value in constants(header).items() if name not in OTHERWISE}
    theirs = {name: int(getattr(module, name)) for module in modules for name in ours if hasattr(module, name)}
    assert len(theirs) >= least, sorted(set(ours) - set(theirs))
    assert {name: ours[name] for name in theirs} == theirs


def test_every_header_is_guarded_by_its_name():
    for path in UAPI.rglob("*.h"):
        guard = "_UAPI_" + re.sub(r"\W", "_", str(path.relative_to(UAPI)).removesuffix(".h")).upper() + "_H"
        assert path.read_text().startswith(f"#ifndef {guard}\n#define {guard}\n"), path
