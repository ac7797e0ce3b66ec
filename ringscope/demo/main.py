"""The performance: boots the guest, starts gdb on it, plays the scenes and judges what gdb says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ringscope.boot import power_on
from ringscope.configuration import Configuration
from ringscope.debug import find_gdb, served
from ringscope.demo.claims import Claim, Finding, fill_in, judge
from ringscope.demo.facts import Facts
from ringscope.demo.scenes import Command, Scene, claims, scenes
from ringscope.demo.transcript import Transcript, make_console
from ringscope.gdbmi import Gdb, Gone, NoAnswer, Refused
from ringscope.serve import gdb_commands

SECONDS = 20.0
"""How long an answer or a stop of gdb may take."""

SETTINGS = ("set filename-display basename", "set output-radix 16")
"""Short lines and hexadecimal numbers, for readers."""


def demo(*, gdb: str = "gdb", color: bool | None = None) -> int:
    """Show and check the first user program's birth in stock gdb; 0 if every claim was observed, else 1.

    ``color`` None leaves it to the terminal and NO_COLOR.  Raises `machine.errors.Error` if there is no gdb,
    `kernel.errors.Error` if the guest is not built.
    """
    findings = perform(Configuration(), Transcript(make_console(color)), gdb=gdb)
    return 0 if all(finding.holds for finding in findings) else 1


def perform(
    configuration: Configuration, transcript: Transcript, *, gdb: str = "gdb", seconds: float = SECONDS
) -> Sequence[Finding]:
    """Play all scenes and print the verdict; returns a finding for every claim, reached or not."""
    program = find_gdb(gdb)
    serial = bytearray()
    guest = power_on(configuration, serial.extend)
    assert guest.image is not None
    facts = Facts.of(guest.image)
    with served(guest) as address:
        play = scenes(facts, gdb_commands(guest, address))
        performance = Performance(transcript, serial)
        trouble = None
        try:
            with Gdb(program, seconds=seconds) as session:
                for setting in SETTINGS:
                    session.execute(setting)
                performance.play(session, play)
        except (NoAnswer, Gone) as error:
            trouble = str(error)
    findings = performance.findings(list(claims(play)))
    transcript.verdict(findings, trouble)
    return findings


class Performance:
    """What has been seen and learned so far; `serial` grows as the guest writes to its console."""

    def __init__(self, transcript: Transcript, serial: bytearray) -> None:
        self._transcript = transcript
        self._serial = serial
        self._shown = 0
        self._learned: dict[str, str] = {}
        self._found: list[Finding] = []

    def play(self, gdb: Gdb, play: Sequence[Scene]) -> None:
        """Type every command of every scene.  Raises `NoAnswer` or `Gone` if gdb fails on the way."""
        for scene in play:
            self._transcript.scene(scene.title, scene.narration)
            for command in scene.commands:
                self._type(gdb, command)

    def findings(self, wanted: Sequence[Claim]) -> list[Finding]:
        """A finding for each claim of the play: what was not reached was not observed."""
        missed = wanted[len(self._found) :]
        return self._found + [Finding(claim, claim.expected) for claim in missed]

    def _type(self, gdb: Gdb, command: Command) -> None:
        line = fill_in(command.line, self._learned)
        self._transcript.command(line)
        try:
            answer = gdb.execute(line).expandtabs()
        except Refused as error:
            self._transcript.refusal(str(error))
            answer = ""
        self._learn(command, answer)
        findings = self._judge(command.claims, answer)
        heard = self._listen(command)
        self._transcript.answer(answer, findings, command.lines)
        self._transcript.serial(*heard)

    def _judge(self, wanted: Sequence[Claim], answer: str) -> list[Finding]:
        findings = [judge(claim, answer, self._learned) for claim in wanted]
        self._found += findings
        return findings

    def _listen(self, command: Command) -> tuple[str, list[Finding]]:
        """What has come over the serial line since the last time, and what was claimed of it."""
        arrived = bytes(self._serial[self._shown :])
        self._shown += len(arrived)
        text = arrived.decode(errors="replace").replace("\r", "")
        return text, self._judge(command.serial, text)

    def _learn(self, command: Command, answer: str) -> None:
        if command.learn is None:
            return
        name, pattern = command.learn
        match = re.search(pattern, answer, re.MULTILINE)
        if match:
            self._learned[name] = match[1]
