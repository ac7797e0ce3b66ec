"""`./run bench`: the table of measures for ringscope and, where it is installed, QEMU's TCG, in interleaved rounds."""

import argparse
import platform
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import gdb, kernels, linux, measures, servers, workload
from benchmarks.client import Client, Guest, Unsupported, WrongAnswer, clock

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- table: ./run bench --write -->", "<!-- end of table -->"
REFERENCE = "QEMU TCG"
GDB = "gdb"
"""Chooses the rows of `benchmarks.gdb`."""
BOOT = measures.Measure("boot", "ms", "process start to the first line of /sbin/init", None, False)
READY = measures.Measure("workload", "ms", "first `continue` to the workload's idle loop", None, False)


class Figures:
    """What was measured: per server and measure the repetitions of all rounds, or the reason why there are none."""

    def __init__(self):
        self.values = {}
        self.reasons = {}

    def add(self, server, measure, values, reason=None):
        if values:
            self.values.setdefault((server, measure.name), []).append(statistics.median(values))
        else:
            self.reasons[server, measure.name] = reason

    def median(self, server, measure):
        values = self.values.get((server, measure.name))
        return statistics.median(values) if values else None


def image():
    """The project's kernel. Imported late: measures chosen with --only need none."""
    from kernel.image import find_image

    return find_image()


def one_round(server, elf, log, options, figures):
    """All measures of one server on the workload, in a process of its own."""
    with servers.serving(server, elf, log) as port:
        client = Client(port)
        guest = Guest(client, workload.symbols(elf), options.budget, options.repetitions)
        begin = clock()
        guest.finish()
        figures.add(server, READY, [(clock() - begin) * 1e3])
        for entry in chosen(options):
            values, reason = measures.take(entry, guest)
            figures.add(server, entry, values, reason)
        client.close()


def gdb_round(server, elf, log, figures):
    """What stock gdb itself measures, in a session of its own."""
    with servers.serving(server, elf, log) as port:
        found = gdb.measure(port, elf)
    for entry in gdb.MEASURES:
        figures.add(server, entry, [found[entry.name]])


def chosen(options):
    return [entry for entry in measures.MEASURES if not options.only or entry.name.split(",")[0] in options.only]


def run_rounds(names, options, figures):
    kernel = None if options.only else image()
    with tempfile.TemporaryDirectory(prefix="ringscope-bench-") as place:
        elf = workload.build(Path(place))
        for turn in range(options.rounds):
            for server in names:
                print(f"round {turn + 1} of {options.rounds}: {server}", file=sys.stderr, flush=True)
                try:
                    if kernel:
                        boots = [servers.seconds_to_init(server, kernel) * 1e3 for _ in range(options.repetitions)]
                        figures.add(server, BOOT, boots)
                    one_round(server, elf, Path(place, "log"), options, figures)
                    if gdb.installed() and (not options.only or GDB in options.only):
                        gdb_round(server, elf, Path(place, "log"), figures)
                except (OSError, WrongAnswer, Unsupported) as error:
                    print(f"{server}: {error or type(error).__name__}", file=sys.stderr)
                    figures.reasons[server, "round"] = str(error)


# ------------------------------------------------------------------ the table


def short(value):
    if value is None:
        return "-"
    for limit, divisor, letter in ((1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if value >= limit:
            return f"{value / divisor:.3g}{letter}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def ratio(measure, ours, reference):
    """How many times better than the reference, above 1 also where less is better."""
    if not ours or not reference or measure.unit == "%":
        return "-"
    times = ours / reference if measure.more_is_better else reference / ours
    return f"{times:.2f}" if times >= 0.1 else f"{times:.2g}"


def table(names, figures, entries, reference=REFERENCE):
    """The figures in Markdown; the first column is compared with the reference."""
    rows = [["measure", "unit", *names, "times as good"]]
    for entry in entries:
        values = [figures.median(server, entry) for server in names]
        if any(value is not None for value in values):
            compared = ratio(entry, figures.median(names[0], entry), figures.median(reference, entry))
            rows.append([entry.text, entry.unit, *map(short, values), compared])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    rule = ["-" * width if index < 2 else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])


def reasons(figures):
    """One line for each figure that is missing."""
    return [f"{server}, {name}: {reason}" for (server, name), reason in figures.reasons.items()]


def write_page(text, options):
    """Replace the table in docs/performance.md and say where it was measured."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise SystemExit(f"ringscope: {PAGE} has lost the lines {BEGIN!r} and {END!r}")
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    place = f"{system}; medians of {options.rounds} interleaved rounds, client and server on one core."
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{place}\n\n{END}{after}")


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__.split(": ")[1])
    parser.add_argument("--quick", action="store_true", help="one short round: a look, not a result")
    parser.add_argument("--linux", action="store_true", help="the rows of Debian's kernel alone")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", metavar="MEASURE", help="such as step, compute, gdb (repeatable)")
    parser.add_argument("--server", action="append", choices=list(servers.SERVERS), help="measure only this one")
    options = parser.parse_args()
    known = {GDB, *(entry.name.split(",")[0] for entry in measures.MEASURES)}
    if unknown := set(options.only or ()) - known:
        parser.error(f"no measure is called {sorted(unknown)[0]!r}; there are {', '.join(sorted(known))}")
    if options.write and (options.quick or options.only or options.server or options.linux):
        parser.error("--write wants the whole table: no --quick, --linux, --only or --server beside it")
    options.rounds = 1 if options.quick else options.rounds
    options.budget, options.repetitions = (0.05, 3) if options.quick else (0.1, 5)
    return options


def main():
    options = arguments()
    names = [name for name in servers.installed() if not options.server or name in options.server]
    if REFERENCE not in names:
        print(f"{servers.QEMU} is not measured: its column is left out", file=sys.stderr)
    servers.stay_on_one_core()
    figures, tables = Figures(), []
    if not options.linux:
        run_rounds(names, options, figures)
        tables.append(table(names, figures, [BOOT, READY, *chosen(options), *gdb.MEASURES]))
    if options.linux or not (options.quick or options.only):
        tables += linux_tables(names, options, figures)
    text = "\n\n".join(tables)
    print(text, *reasons(figures), sep="\n")
    if options.write:
        write_page(text, options)
    return 1 if any(name == "round" for _, name in figures.reasons) else 0


def linux_tables(names, options, figures):
    """The tables of Debian's kernel and of it beside ours; none, and a line why, where it is not to be had."""
    from ringscope.apt import PackageError

    try:
        with linux.files() as found:
            columns = linux.run_rounds(found, options, figures, names)
            beside = kernels.run(found, image(), figures)
    except PackageError as error:
        print(f"Linux is not measured: {error}", file=sys.stderr)
        return []
    return [table(columns, figures, linux.MEASURES), table(beside, figures, kernels.MEASURES, kernels.DEBIAN)]


if __name__ == "__main__":
    sys.exit(main())
