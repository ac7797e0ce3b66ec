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
    ReservedBit,
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

    A refused access has the `vector` of its exception (13 or 14) and the `error_code` pushed. Both are None for
    an allowed access, and where an entry could not be read, so that nobody knows.
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

    `ac` is RFLAGS.AC, which suspends SMAP; implicit accesses (descriptor tables, TSS) are
    judged with cpl 0 and ac False.
    Not judged: shadow stacks, HLAT, SGX and LASS. ValueError if `access` is not read, write or execute.
    """
    access = Access(access)
    if isinstance(outcome, NonCanonical):
        return Verdict(False, f"not canonical in {outcome.linear_bits} bits", None, 13, 0)
    if isinstance(outcome, Unreadable):
        return Verdict(False, f"{outcome.format.name} entry at {outcome.entry_address:#x} is not readable")
    if isinstance(outcome, NotPresent):
        level = outcome.levels[-1]
        code = _error_code(access, cpl, state)
        return Verdict(False, f"{level.name} entry is not present", level, 14, code)
    if isinstance(outcome, ReservedBit):
        level = outcome.levels[-1]
        code = _error_code(access, cpl, state) | PAGE_FAULT.mask("P", "RSVD")
        return Verdict(False, f"{level.name} entry has reserved bits {outcome.bits:#x}", level, 14, code)
    return _judge(outcome, access, cpl, state, (ac, keys))


def _judge(
    found: Translation, access: Access, cpl: int, state: PagingState, ac_and_keys: tuple[bool, KeyRights]
) -> Verdict:
    if not found.levels:
        return Verdict(True, "paging is off")
    ac, keys = ac_and_keys
    key_refusal = _key_refusal(found, access, cpl, state, keys)
    refusal = (_user_refusal if cpl == 3 else _supervisor_refusal)(found, access, state, ac) or key_refusal
    if refusal is None:
        return Verdict(True, _permission(found, access, cpl, state, ac), None)
    code = _error_code(access, cpl, state) | PAGE_FAULT.mask("P")
    if key_refusal:
        code |= PAGE_FAULT.mask("PK")
    reason, level = refusal
    return Verdict(False, reason, level, 14, code)


Refusal = tuple[str, Level | None]


def _user_refusal(found: Translation, access: Access, state: PagingState, ac: bool) -> Refusal | None:
    """Ring 3 needs U/S at every level, R/W for writes and no XD for fetches."""
    if not found.user:
        level = _first_without(found, _U)
        return f"{level.name} entry is supervisor (U/S=0)", level
    if access is Access.WRITE and not found.writable:
        level = _first_without(found, _W)
        return f"{level.name} entry is read-only (R/W=0)", level
    return _execute_refusal(found, access)


def _supervisor_refusal(found: Translation, access: Access, state: PagingState, ac: bool) -> Refusal | None:
    """Rings 0 to 2 obey SMEP and SMAP on user pages, R/W only with CR0.WP, and XD."""
    if found.user and access is Access.EXECUTE and state.cr4 & _SMEP:
        return "CR4.SMEP: the page is a user page (U/S=1 at every level)", found.levels[-1]
    if found.user and access is not Access.EXECUTE and state.cr4 & _SMAP and not ac:
        return "CR4.SMAP with RFLAGS.AC=0: the page is a user page (U/S=1 at every level)", found.levels[-1]
    if access is Access.WRITE and not found.writable and state.cr0 & _WP:
        level = _first_without(found, _W)
        return f"{level.name} entry is read-only (R/W=0) and CR0.WP=1", level
    return _execute_refusal(found, access)


def _execute_refusal(found: Translation, access: Access) -> Refusal | None:
    if access is not Access.EXECUTE or not found.no_execute:
        return None
    level = next(step for step in found.levels if step.raw & _XD)
    return f"{level.name} entry is no-execute (XD=1)", level


def _key_refusal(
    found: Translation, access: Access, cpl: int, state: PagingState, keys: KeyRights
) -> Refusal | None:
    """Protection keys of 4-level and 5-level paging; instruction fetches are exempt (SDM 3A 4.6.2)."""
    enabled = state.cr4 & (_PKE if found.user else _PKS)
    if not enabled or not state.efer & _LMA or access is Access.EXECUTE:
        return None
    level = found.levels[-1]
    key = _KEY.get(level.raw)
    register, rights = ("PKRU", keys.pkru) if found.user else ("PKRS", keys.pkrs)
    if rights >> 2 * key & 1:
        return f"{register} forbids access with protection key {key}", level
    obeys = cpl == 3 or state.cr0 & _WP
    if access is Access.WRITE and rights >> 2 * key & 2 and obeys:
        return f"{register} forbids writes with protection key {key}", level
    return None


def _permission(found: Translation, access: Access, cpl: int, state: PagingState, ac: bool) -> str:
    """Why an access is allowed, where it is not plain from the rights."""
    if cpl != 3:
        if access is Access.WRITE and not found.writable:
            return "CR0.WP=0: ring 0 ignores read-only entries"
        if found.user and state.cr4 & _SMAP and access is not Access.EXECUTE and ac:
            return "RFLAGS.AC=1 suspends SMAP"
    words = {Access.READ: "present", Access.WRITE: "writable", Access.EXECUTE: "executable"}
    whom = "user" if cpl == 3 else "present"
    word = words[access]
    return f"{word} at every level" if word == whom or cpl != 3 else f"{whom} and {word} at every level"


def _first_without(found: Translation, bit: int) -> Level:
    return next(step for step in found.levels if step.format.limits_rights and not step.raw & bit)


def _error_code(access: Access, cpl: int, state: PagingState) -> int:
    """The access's own bits: W/R, U/S, and I/D where the processor reports fetches (SDM 3A 4.7)."""
    code = PAGE_FAULT.mask("WR") if access is Access.WRITE else 0
    if cpl == 3:
        code |= PAGE_FAULT.mask("US")
    reports_fetches = state.cr4 & _SMEP or (state.cr4 & _PAE and state.efer & _NXE)
    if access is Access.EXECUTE and reports_fetches:
        code |= PAGE_FAULT.mask("ID")
    return code
