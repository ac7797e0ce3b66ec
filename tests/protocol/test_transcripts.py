"""What other debuggers send as they attach, line by line, and what they must be told: `transcripts/`.

`->` is a request, `<-` a regular expression for the whole reply, `#` says where the conversation comes from.
"""

import re
from pathlib import Path

import pytest

from tests.protocol.toy import Conversation, ToyTarget

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


def exchanges(path):
    """(line number, request, pattern of the reply)."""
    request = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("-> "):
            assert request is None, f"{path.name}:{number}: two requests without a reply"
            request = line.removeprefix("-> ").encode()
        elif line.startswith("<-"):
            yield number, request, line[2:].strip().encode()
            request = None
        else:
            assert line.startswith("#"), f"{path.name}:{number}: {line!r}"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_replies(path):
    talk = Conversation(ToyTarget())
    assert path.read_text().startswith("# "), "where it comes from"
    for number, request, pattern in exchanges(path):
        reply = talk(request)
        assert re.fullmatch(pattern, reply, re.DOTALL), f"{path.name}:{number}: {request!r} is answered {reply[:200]!r}"


def test_there_are_transcripts():
    assert {path.stem for path in TRANSCRIPTS} >= {"gdb18", "ida"}
