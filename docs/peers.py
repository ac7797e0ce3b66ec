"""What nine other servers of the protocol answer, row by row, and why this one leaves out what it leaves out.

Read in their sources as of 2026, partly tried. Y yes, P partly, N no, L announced but not done, ? not known.
"""

from typing import NamedTuple

PEERS = ("QEMU", "gdbserver 13", "gdbstub crate", "Bochs", "Qiling", "udbserver", "rr", "OpenOCD", "Renode")


class Row(NamedTuple):
    """A feature, the beginnings of its packets (none: it is of the wire), the peers' letters, our reason if not all."""

    feature: str
    packets: tuple[str, ...]
    peers: str
    reason: str = ""


# fmt: off
ROWS: tuple[Row, ...] = (
    Row("a damaged packet is refused",      (),                            "YYNYNN?Y?"),
    Row("run lengths in replies",           (),                            "NYYNYYNNN"),
    Row("PacketSize is honest",             (),                            "YYYNYYYYN"),
    Row("QStartNoAckMode",                  ("QStartNoAckMode",),          "NYYNYYYYN"),
    Row("vMustReplyEmpty",                  ("vMustReplyEmpty",),          "YYYYYYYYY"),
    Row("?",                                ("?",),                        "YYYPYYYYY"),
    Row("g",                                ("g",),                        "YYYPYPYYY"),
    Row("G",                                ("G",),                        "PYYNYPNYN"),
    Row("p, P",                             ("p", "P"),                    "YNYPYYYYY"),
    Row("registers in stop replies",        (),                            "NYYNPNPNN"),
    Row("m, M",                             ("m", "M"),                    "YYYPPPYYY"),
    Row("X",                                ("X",),                        "NYYNYYYYY"),
    Row("x, binary-upload",                 ("x",),                        "NNYNNNYNN"),
    Row("c, s, C, S",                       ("c", "s", "C", "S"),          "YYYPPPPPP"),
    Row("vCont c, C, s, S",                 ("vCont;",),                   "YYYNPYYPP"),
    Row("vCont r (range steps)",            ("vCont;",),                   "NYNNNNNNN"),
    Row("vCont t, QNonStop, vStopped",      ("QNonStop", "vStopped"),      "NYNNLNNNN"),
    Row("vCtrlC",                           ("vCtrlC",),                   "NYNNLNNNN"),
    Row("Ctrl-C while running",             (),                            "YYYPNNYY?"),
    Row("bc, bs, replaylog",                ("bc", "bs"),                  "PNYNNNYNP",
        "going back is by `monitor snapshot` and `monitor run-to`, which lead to exact positions; gdb does not know"),
    Row("Z0, Z1",                           ("Z0", "Z1"),                  "YYYYPYYYY"),
    Row("Z2, Z3, Z4",                       ("Z2", "Z3", "Z4"),            "YYYNNYYYY"),
    Row("swbreak and hwbreak",              (),                            "NYYNLPYNY"),
    Row("conditions at the target",         ("Z0,{address:hex},{kind:hex};",), "NYNNLNPNN"),
    Row("commands at the target",           ("Z0,{address:hex},{kind:hex};",), "NYNNLNNNN"),
    Row("qXfer:features",                   ("qXfer:features",),           "YYYNYPYYY"),
    Row("qXfer:memory-map",                 ("qXfer:memory-map",),         "NNYNNNNYN"),
    Row("qXfer:threads",                    ("qXfer:threads",),            "NYNNYNNYY"),
    Row("qXfer:osdata",                     ("qXfer:osdata",),             "NYNNNNNNN"),
    Row("qXfer:auxv",                       ("qXfer:auxv",),               "NYYNYNYNN"),
    Row("qXfer:exec-file",                  ("qXfer:exec-file",),          "NYYNYNYNN"),
    Row("qXfer:libraries, libraries-svr4",  ("qXfer:libraries",),          "NYYNNNNNN",
        "a kernel loads no shared library, and the programs of ours are static"),
    Row("qXfer:siginfo",                    ("qXfer:siginfo",),            "NYNNLNYNN"),
    Row("qXfer:btrace, Qbtrace",            ("Qbtrace:bts", "qXfer:btrace:"), "NPNNLNNNN"),
    Row("qXfer:traceframe-info",            ("qXfer:traceframe-info",),    "NYNNLNNNN"),
    Row("qXfer:statictrace",                ("qXfer:statictrace",),        "NYNNLNNNN",
        "the guest has no static markers"),
    Row("qXfer:fdpic, uib, spu",            ("qXfer:fdpic",),              "NPNNLNNNN", "not of this processor"),
    Row("tracepoints",                      ("QTDP", "qTStatus", "QTFrame"), "NYPNLNNNN"),
    Row("QPassSignals",                     ("QPassSignals:",),            "NYNNLNYNN"),
    Row("QProgramSignals",                  ("QProgramSignals",),          "NYNNLNNNN",
        "the guest's kernel has decided: what gdb withholds from a program would change the guest"),
    Row("QCatchSyscalls",                   ("QCatchSyscalls",),           "NYYNLNNNN"),
    Row("QThreadEvents",                    ("QThreadEvents",),            "NYNNLNNNN"),
    Row("QThreadOptions",                   ("QThreadOptions",),           "NPNNLNNNN",
        "gdb 15 asks for it to step over a clone, which here no step disturbs: breakpoints are not in the memory"),
    Row("fork, vfork and exec events",      ("D;",),                       "NYPNLNNNN"),
    Row("the end of one process",           ("D;",),                       "NYYNNNNNN"),
    Row("multiprocess",                     ("D;",),                       "YYYNLNYNN"),
    Row("!",                                ("!",),                        "YYYNYNNYN"),
    Row("vRun, vAttach",                    ("vRun", "vAttach"),           "PYYNNNPPP"),
    Row("R",                                ("R",),                        "NYYNNNNYN"),
    Row("D, k, vKill",                      ("D", "k", "vKill"),           "YYYPPYYYY"),
    Row("qRcmd",                            ("qRcmd",),                    "YYYNNNPYY"),
    Row("errors in words",                  (),                            "NNNNNNNNY"),
    Row("qSearch:memory",                   ("qSearch:memory",),           "NYNNNNYNN"),
    Row("qCRC",                             ("qCRC",),                     "NYNNNNNYY"),
    Row("vFile",                            ("vFile",),                    "NYYNPNPNN"),
    Row("F (file I/O for the target)",      ("F",),                        "YNNNNNNYN",
        "the guest's system calls stay in the guest"),
    Row("qGetTLSAddr",                      ("qGetTLSAddr",),              "NYNNNNYNN",
        "gdb asks only with libthread_db, which wants a process of the host; `$fs_base` is a register"),
    Row("qGetTIBAddr",                      ("qGetTIBAddr",),              "NPNNNNNNN", "of Windows alone"),
    Row("qOffsets",                         ("qOffsets",),                 "NYYYPNYPN"),
    Row("qSymbol",                          ("qSymbol",),                  "NYNNPNYYN"),
    Row("QDisableRandomization, QEnvironment…, QSetWorkingDir", ("QDisableRandomization",), "NYYNLNNNN"),
    Row("QStartupWithShell",                ("QStartupWithShell",),        "NYYNLNNNN",
        "the kernel starts the program itself; a shell is a program like others: `set remote exec-file /bin/sh`"),
    Row("vFlash",                           ("vFlash",),                   "NNYNNNNYN",
        "the machine has no flash memory"),
    Row("qMemTags, qIsAddressTagged",       ("qMemTags",),                 "NPNNNNNNN", "not of this processor"),
    Row("qAttached",                        ("qAttached",),                "YYYYNYYPY"),
    Row("qC, qfThreadInfo, qThreadExtraInfo", ("qC", "qfThreadInfo", "qThreadExtraInfo"), "YPYNPYYYP"),
    Row("qL, qP",                           ("qL",),                       "NNNNNNNNN",
        "gdb itself prefers qfThreadInfo"),
    Row("qExecAndArgs, single-inf-arg",     ("qExecAndArgs",),             "NNNNNNNNN",
        "of gdb 17 and later, which say it by `vRun` to others"),
    Row("LLDB: qHostInfo, qProcessInfo",    ("qHostInfo", "qProcessInfo"), "NNYNNNYNN"),
    Row("LLDB: qRegisterInfo",              ("qRegisterInfo",),            "NNYNNNNNN"),
    Row("LLDB: qMemoryRegionInfo",          ("qMemoryRegionInfo",),        "NNNNNNYNN"),
    Row("LLDB: jThreadsInfo",               ("jThreadsInfo",),             "NNNNNNPNN"),
    Row("LLDB: QThreadSuffixSupported",     ("QThreadSuffixSupported",),   "NNNNNNYNN",
        "LLDB selects threads by `Hg` instead"),
    Row("LLDB: x without a `b`",            ("xxxx",),                     "NNNNNNPNN",
        "its probe `x0,0` gets the empty reply, and LLDB reads by `m`"),
    Row("physical memory (Qqemu.PhyMemMode)", ("Qqemu.PhyMemMode",),       "YNNNNNNNN"),
    Row("system registers in target.xml",   (),                            "PNNNNNNNP"),
)
# fmt: on
