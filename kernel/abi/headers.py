"""Turn the ABI tables into C headers, the C library's system-call stubs and the text of docs/abi.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kernel.abi.tables import Constant, Syscall, constants, linux_names, probed_calls, syscalls

INTEGER_MAX = 0x7FFFFFFF
USER_TYPES = "#include <sys/types.h>\n#include <asm/unistd.h>\n"


def generated_files() -> dict[str, str]:
    """Path below the generated directory, and text, of every generated source file."""
    calls = syscalls()
    return {
        "asm/layout.h": _guarded("LAYOUT", _layout(constants())),
        "asm/unistd.h": _guarded("UNISTD", _numbers(calls)),
        "asm/syscall_prototypes.h": _guarded("SYSCALL_PROTOTYPES", _prototypes(calls, "sys_")),
        "asm/syscalls_64.h": _table({call.x86_64: call.name for call in calls}),
        "asm/syscalls_32.h": _table({call.i386: call.name for call in calls}),
        "asm/syscall_names.h": "".join(f'[{number}] = "{name}",\n' for number, name in _missing(calls)),
        "user/syscalls.h": _guarded("USER_SYSCALLS", [USER_TYPES, *_prototypes(calls, "")]),
        "user/syscalls.c": "".join(_stubs(calls)),
    }


def _guarded(name: str, lines: Sequence[str] | Iterator[str]) -> str:
    body = "\n".join(lines)
    return f"#ifndef GENERATED_{name}_H\n#define GENERATED_{name}_H\n\n{body}\n\n#endif\n"


def _layout(rows: Sequence[Constant]) -> Iterator[str]:
    """One #define a row; wide values get UL in C alone, since assemblers know no suffix."""
    yield "#ifdef __ASSEMBLY__\n#define _AC(X, Y) X\n#else\n#define _AC(X, Y) X##Y\n#endif\n"
    for row in rows:
        value = row.text if row.value <= INTEGER_MAX else f"_AC({row.text}, UL)"
        yield f"#define {row.name:<24}{value:<32}/* {row.meaning} */"


def _numbers(calls: Sequence[Syscall]) -> Iterator[str]:
    for prefix, column in (("__NR_", "x86_64"), ("__NR_ia32_", "i386")):
        present = [(getattr(call, column), call.name) for call in calls if getattr(call, column) is not None]
        for number, name in sorted(present):
            yield f"#define {prefix + name:<24}{number}"
        yield f"#define {prefix}syscalls{'':<8}{max(present)[0] + 1}\n"


def _prototypes(calls: Sequence[Syscall], prefix: str) -> Iterator[str]:
    for call in calls:
        prototype = call.prototype if prefix else call.prototype.replace("__user ", "")
        yield f"long {prefix}{call.name}({prototype});"


def _table(names: dict[int | None, str]) -> str:
    """One line a number from 0 on, so that the C table has no hole."""
    last = max(number for number in names if number is not None)
    return "".join(f"__SYSCALL({n}, sys_{names.get(n, 'ni_syscall')})\n" for n in range(last + 1))


def _missing(calls: Sequence[Syscall]) -> Iterator[tuple[int, str]]:
    """Number and name of what Linux has and the guest lacks, and what a program will miss."""
    silent = {call.x86_64 for call in calls} | probed_calls()
    return ((number, name) for number, name in sorted(linux_names().items()) if number not in silent)


def _stubs(calls: Sequence[Syscall]) -> Iterator[str]:
    yield "#include <syscall.h>\n#include <user/syscalls.h>\n"
    for call in calls:
        if call.x86_64 is None:
            continue
        arguments = [f"(long){parameter.name}" for parameter in call.parameters]
        listed = ", ".join([f"__NR_{call.name}", *arguments])
        yield f"\nlong {call.name}({call.prototype.replace('__user ', '')})\n{{\n"
        yield f"\treturn syscall{len(arguments)}({listed});\n}}\n"


def document() -> str:
    """The text of docs/abi.md: both tables as Markdown."""
    return "\n".join([*_document_syscalls(syscalls()), "", *_document_constants(constants())]) + "\n"


def _document_syscalls(calls: Sequence[Syscall]) -> Iterator[str]:
    yield "# The guest's ABI\n"
    yield "Generated from `kernel/abi/*.tbl`. Numbers and layouts are Linux's.\n"
    yield "## System calls\n"
    yield "`syscall` takes the x86-64 number in RAX, `int $0x80` the i386 number in EAX.\n"
    yield "| name | x86-64 | i386 | parameters |\n|---|---:|---:|---|"
    for call in calls:
        numbers = ["-" if number is None else str(number) for number in (call.x86_64, call.i386)]
        shown = ", ".join(f"{parameter.type} {parameter.name}" for parameter in call.parameters) or "none"
        yield f"| `{call.name}` | {numbers[0]} | {numbers[1]} | {shown.replace('* ', '*')} |"


def _document_constants(rows: Sequence[Constant]) -> Iterator[str]:
    yield "## Layout"
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            yield f"\n### {section}\n\n| name | value | meaning |\n|---|---:|---|"
        yield f"| `{row.name}` | `{row.text}` | {row.meaning} |"
