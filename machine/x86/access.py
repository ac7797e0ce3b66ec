"""Who may read, write and execute a translated address, and which entry decides (SDM 3A 4.6, 4.7)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from .control import CR0, CR4, EFER
from .entries import PTE
from .errorcodes import PAGE_FAULT
from .paging import (
    Level,
    NonCanonical,
    NotPresent,
    Outcome,
    PagingState,
    Translation,
    Unreadable,
)


class Access(StrEnum):
    """A kind of memory access."""

    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"


class Verdict(NamedTuple):
    """Whether an access succeeds, why, and the level of the entry that decides (None: no single entry).

    A refused access has the `vector` of its exception (13 or 14) and the `error_code` pushed. Both are None
    for an allowed access, and where an entry could not be read, so that nobody knows.
    """

    allowed: bool
    reason: str
    level: Level | None = None
    vector: int | None = None
    error_code: int | None = None


class KeyRights(NamedTuple):
    """The protection-key registers: PKRU for user pages, PKRS for supervisor pages."""

    pkru: int = 0
    pkrs: int = 0


class _Request(NamedTuple):
    """An access to judge, with the state of the processor that makes it."""

    access: Access
    cpl: int
    state: PagingState
    ac: bool
    keys: KeyRights


_Refusal = tuple[str, Level | None]

_WP = CR0.mask("WP")
_SMEP, _SMAP, _PKE, _PKS = (CR4.mask(name) for name in ("SMEP", "SMAP", "PKE", "PKS"))
_PAE, _NXE, _LMA = CR4.mask("PAE"), EFER.mask("NXE"), EFER.mask("LMA")
_W, _U, _XD = (PTE.mask(name) for name in ("writable", "user", "no_execute"))
_KEY = PTE["protection_key"]


def verdict(
    outcome: Outcome,
    access: Access | str,
    cpl: int,
    state: PagingState,
    *,
    ac: bool = False,
    keys: KeyRights = KeyRights(),  # noqa: B008 - immutable
) -> Verdict:
    """Judge an explicit `access` from ring `cpl` to the address that `outcome` stands for.

    `ac` is RFLAGS.AC, which suspends SMAP; implicit accesses (descriptor tables, TSS) are judged with cpl 0
    and ac False. Not judged: shadow stacks, HLAT, SGX, LASS. ValueError if `access` is none of `Access`.
    """
    request = _Request(Access(access), cpl, state, ac, keys)
    if isinstance(outcome, NonCanonical):
        return Verdict(False, f"not canonical in {outcome.linear_bits} bits", None, 13, 0)
    if isinstance(outcome, Unreadable):
        return Verdict(False, f"{outcome.format.name} entry at {outcome.entry_address:#x} is not readable")
    if isinstance(outcome, Translation):
        return _judge(outcome, request)
    code = _error_code(request)
    level = outcome.levels[-1]
    if isinstance(outcome, NotPresent):
        return Verdict(False, f"{level.name} entry is not present", level, 14, code)
    code |= PAGE_FAULT.mask("P", "RSVD")
    return Verdict(False, f"{level.name} entry has reserved bits {outcome.bits:#x}", level, 14, code)


def _judge(found: Translation, request: _Request) -> Verdict:
    if not found.levels:
        return Verdict(True, "paging is off")
    by_rights = _user_refusal if request.cpl == 3 else _supervisor_refusal
    by_key = _key_refusal(found, request)
    refusal = by_rights(found, request) or _execute_refusal(found, request) or by_key
    if refusal is None:
        return Verdict(True, _permission(found, request))
    code = _error_code(request) | PAGE_FAULT.mask("P")
    if by_key:
        code |= PAGE_FAULT.mask("PK")
    reason, level = refusal
    return Verdict(False, reason, level, 14, code)


def _user_refusal(found: Translation, request: _Request) -> _Refusal | None:
    """Ring 3 needs U/S at every level, and R/W for writes."""
    if not found.user:
        level = _first_without(found, _U)
        return f"{level.name} entry is supervisor (U/S=0)", level
    if request.access is Access.WRITE and not found.writable:
        level = _first_without(found, _W)
        return f"{level.name} entry is read-only (R/W=0)", level
    return None


def _supervisor_refusal(found: Translation, request: _Request) -> _Refusal | None:
    """Rings 0 to 2 obey SMEP and SMAP on user pages, and R/W only with CR0.WP."""
    fetch = request.access is Access.EXECUTE
    if found.user and fetch and request.state.cr4 & _SMEP:
        return "CR4.SMEP=1 and the page is a user page (U/S=1 at every level)", found.levels[-1]
    if found.user and not fetch and request.state.cr4 & _SMAP and not request.ac:
        return "CR4.SMAP=1, RFLAGS.AC=0 and the page is a user page (U/S=1 at every level)", found.levels[-1]
    if request.access is Access.WRITE and not found.writable and request.state.cr0 & _WP:
        level = _first_without(found, _W)
        return f"{level.name} entry is read-only (R/W=0) and CR0.WP=1", level
    return None


def _execute_refusal(found: Translation, request: _Request) -> _Refusal | None:
    if request.access is not Access.EXECUTE or not found.no_execute:
        return None
    level = next(step for step in found.levels if step.raw & _XD)
    return f"{level.name} entry is no-execute (XD=1)", level


def _key_refusal(found: Translation, request: _Request) -> _Refusal | None:
    """Protection keys of 4-level and 5-level paging; instruction fetches are exempt (SDM 3A 4.6.2)."""
    state = request.state
    enabled = state.cr4 & (_PKE if found.user else _PKS)
    if not enabled or not state.efer & _LMA or request.access is Access.EXECUTE:
        return None
    level = found.levels[-1]
    key = _KEY.get(level.raw)
    register, rights = ("PKRU", request.keys.pkru) if found.user else ("PKRS", request.keys.pkrs)
    if rights >> 2 * key & 1:
        return f"{register} forbids access with protection key {key}", level
    obeys = request.cpl == 3 or state.cr0 & _WP
    if request.access is Access.WRITE and rights >> 2 * key & 2 and obeys:
        return f"{register} forbids writes with protection key {key}", level
    return None


def _permission(found: Translation, request: _Request) -> str:
    """Why an access is allowed."""
    if request.cpl != 3:
        if request.access is Access.WRITE and not found.writable:
            return "CR0.WP=0: ring 0 ignores read-only entries"
        if found.user and request.state.cr4 & _SMAP and request.access is not Access.EXECUTE:
            return "RFLAGS.AC=1 suspends SMAP"
    words = [
        *(["user"] if request.cpl == 3 else []),
        {Access.READ: "present", Access.WRITE: "writable", Access.EXECUTE: "executable"}[request.access],
    ]
    return f"{' and '.join(words)} at every level"


def _first_without(found: Translation, bit: int) -> Level:
    return next(step for step in found.levels if step.format.limits_rights and not step.raw & bit)


def _error_code(request: _Request) -> int:
    """The access's own bits: W/R, U/S, and I/D where the processor reports fetches (SDM 3A 4.7)."""
    code = PAGE_FAULT.mask("WR") if request.access is Access.WRITE else 0
    if request.cpl == 3:
        code |= PAGE_FAULT.mask("US")
    state = request.state
    reports_fetches = state.cr4 & _SMEP or (state.cr4 & _PAE and state.efer & _NXE)
    if request.access is Access.EXECUTE and reports_fetches:
        code |= PAGE_FAULT.mask("ID")
    return code
