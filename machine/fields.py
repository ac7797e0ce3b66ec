"""The state of a device or a processor as plain JSON values: one row a field, checked when it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from machine.errors import Error

State = Mapping[str, object]
"""What `save` made: numbers, booleans, text, None, lists and dictionaries of these."""


class Kind(NamedTuple):
    """How a field is kept: ``save`` makes its JSON value; ``load(value, before, where)`` checks one and gives what
    the field becomes, in place of ``before``, or raises `Error` that names ``where`` it is.
    """

    save: Callable[[Any], object]
    load: Callable[[object, Any, str], Any]


def _same(value: Any) -> object:
    return value


def number(most: int, least: int = 0) -> Kind:
    """An integer from ``least`` to ``most``."""

    def load(value: object, _before: object, where: str) -> int:
        if type(value) is not int or not least <= value <= most:
            raise Error(f"{where} is {value!r}, not a number from {least} to {most:#x}")
        return value

    return Kind(_same, load)


def _load_flag(value: object, _before: object, where: str) -> bool:
    if type(value) is not bool:
        raise Error(f"{where} is {value!r}, not true or false")
    return value


flag = Kind(_same, _load_flag)
"""True or false."""


def optional(kind: Kind) -> Kind:
    """None, or what ``kind`` keeps."""

    def load(value: object, before: object, where: str) -> object:
        return None if value is None else kind.load(value, before, where)

    return Kind(lambda value: None if value is None else kind.save(value), load)


def raw(most: int, least: int = 0) -> Kind:
    """From ``least`` to ``most`` bytes, as hexadecimal text; a field that was a deque or bytearray stays one."""

    def load(value: object, before: Any, where: str) -> Any:
        try:
            data = bytes.fromhex(value) if isinstance(value, str) else None
        except ValueError:
            data = None
        if data is None or not least <= len(data) <= most:
            raise Error(f"{where} is {_short(value)}, not {least} to {most} bytes in hexadecimal")
        return type(before)(data)

    return Kind(lambda value: bytes(value).hex(), load)


def _load_text(value: object, _before: object, where: str) -> str:
    if not isinstance(value, str):
        raise Error(f"{where} is {_short(value)}, not text")
    return value


text = Kind(_same, _load_text)
"""A string."""


def choice(values: Mapping[str, Any]) -> Kind:
    """One of some values, kept by its name."""
    names = {value: name for name, value in values.items()}

    def load(value: object, _before: object, where: str) -> Any:
        if not isinstance(value, str) or value not in values:
            raise Error(f"{where} is {_short(value)}, none of {', '.join(values)}")
        return values[value]

    return Kind(lambda value: names[value], load)


def row(make: Callable[..., Any], *kinds: Kind) -> Kind:
    """A tuple or NamedTuple, made by ``make`` from one argument for each kind."""

    def load(value: object, _before: object, where: str) -> Any:
        if not isinstance(value, list) or len(value) != len(kinds):
            raise Error(f"{where} is {_short(value)}, not a list of {len(kinds)}")
        return make(*(kind.load(item, None, where) for kind, item in zip(kinds, value, strict=True)))

    return Kind(lambda values: [kind.save(value) for kind, value in zip(kinds, values, strict=True)], load)


def several(kind: Kind, most: int, least: int = 0) -> Kind:
    """A list of ``least`` to ``most`` values of one kind."""

    def load(value: object, _before: object, where: str) -> list[object]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Error(f"{where} is {_short(value)}, not a list of {least} to {most}")
        return [kind.load(item, None, f"{where}[{index}]") for index, item in enumerate(value)]

    return Kind(lambda values: [kind.save(value) for value in values], load)


def _load_part(value: object, before: Any, where: str) -> Any:
    before.load(mapping(value, where))
    return before


part = Kind(lambda value: value.save(), _load_part)
"""An object with a `save` and a `load` of its own, which stays the same object."""


def _load_parts(value: object, before: Sequence[Any], where: str) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) != len(before):
        raise Error(f"{where} is {_short(value)}, not a list of {len(before)}")
    for index, (item, one) in enumerate(zip(value, before, strict=True)):
        one.load(mapping(item, f"{where}[{index}]"))
    return before


parts = Kind(lambda values: [value.save() for value in values], _load_parts)
"""A fixed row of objects, each with a `save` and a `load` of its own."""


def mapping(value: object, where: str) -> State:
    """``value`` as a dictionary.  Raises `Error` naming ``where`` it is."""
    if not isinstance(value, dict):
        raise Error(f"{where} is {_short(value)}, not a dictionary")
    return value


def check_names(owner: str, expected: Iterable[str], state: State) -> None:
    """Raise `Error` naming a row of ``expected`` that the state of ``owner`` lacks, or one that it has too many."""
    wanted = set(expected)
    for name in sorted(wanted - state.keys()):
        raise Error(f"the state of {owner} has no {name}")
    for name in sorted(state.keys() - wanted):
        raise Error(f"the state of {owner} has an unknown {name}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class Fields:
    """The fields of ``owner``: attribute names, with or without a leading underscore, and their kinds.

    The parts of an object are loaded last: whoever needs all or nothing keeps what was saved before and loads it.
    """

    def __init__(self, owner: str, /, **kinds: Kind) -> None:
        self.owner = owner
        self._kinds = kinds

    def save(self, holder: object) -> dict[str, object]:
        """The fields' JSON values by name."""
        return {name.lstrip("_"): kind.save(getattr(holder, name)) for name, kind in self._kinds.items()}

    def load(self, holder: object, state: State) -> None:
        """Check all fields, then set them.  Raises `Error` naming a field that is missing, unknown or not valid."""
        for name, value in self.check(holder, state).items():
            setattr(holder, name, value)

    def check(self, holder: object, state: State) -> dict[str, object]:
        """What the fields become by their attributes' names; parts are loaded already.  Raises `Error` as `load`."""
        names = {name.lstrip("_"): name for name in self._kinds}
        check_names(self.owner, names, state)
        ordered = sorted(names, key=lambda key: self._kinds[names[key]] in (part, parts))
        values = {}
        for key in ordered:
            name = names[key]
            values[name] = self._kinds[name].load(state[key], getattr(holder, name), f"{self.owner}: {key}")
        return values


class SavedByFields:
    """Gives a class `save` and `load` by its table ``FIELDS``."""

    FIELDS: ClassVar[Fields]

    def save(self) -> dict[str, object]:
        """The state as JSON values."""
        return self.FIELDS.save(self)

    def load(self, state: State) -> None:
        """Take a saved state.  Raises `Error` naming what is wrong with it."""
        self.FIELDS.load(self, state)
