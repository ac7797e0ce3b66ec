"""Control registers, EFER, XCR0 and the debug registers DR6 and DR7 (SDM 3A 2.5, 2.2.1, 2.6, 17.2)."""

from __future__ import annotations

from .bits import Layout

# fmt: off
CR0 = Layout(
    "CR0", 64,
    # name  low high  meaning (SDM 3A 2.5)
    ("PE",    0,  0, "protected mode"),
    ("MP",    1,  1, "WAIT obeys TS"),
    ("EM",    2,  2, "no x87: floating point gives #UD or #NM"),
    ("TS",    3,  3, "task switched: next floating-point use gives #NM"),
    ("ET",    4,  4, "extension type, always 1"),
    ("NE",    5,  5, "x87 errors as #MF, not by the PIC"),
    ("WP",   16, 16, "ring 0 obeys read-only pages"),
    ("AM",   18, 18, "RFLAGS.AC checks alignment in ring 3"),
    ("NW",   29, 29, "not write-through"),
    ("CD",   30, 30, "caches off"),
    ("PG",   31, 31, "paging"),
)

CR3 = Layout(
    "CR3", 64,
    ("PWT",        3,  3, "top table: write-through"),
    ("PCD",        4,  4, "top table: uncached"),
    ("frame",     12, 51, "physical address of the top table >> 12"),
    ("LAM_U57",   61, 61, "user addresses: bits 62:57 ignored"),
    ("LAM_U48",   62, 62, "user addresses: bits 62:48 ignored"),
)

CR3_PCID = Layout(
    "CR3 with CR4.PCIDE", 64,
    ("PCID",       0, 11, "process-context identifier"),
    ("frame",     12, 51, "physical address of the top table >> 12"),
    ("LAM_U57",   61, 61, "user addresses: bits 62:57 ignored"),
    ("LAM_U48",   62, 62, "user addresses: bits 62:48 ignored"),
    ("NOFLUSH",   63, 63, "in mov to CR3: keep this PCID's translations"),
)

CR3_PAE = Layout(
    "CR3 with PAE paging", 32,
    ("frame",      5, 31, "physical address of the page-directory-pointer table >> 5"),
)

CR4 = Layout(
    "CR4", 64,
    ("VME",         0,  0, "virtual-8086 extensions"),
    ("PVI",         1,  1, "protected-mode virtual interrupts"),
    ("TSD",         2,  2, "RDTSC only in ring 0"),
    ("DE",          3,  3, "debugging extensions: I/O breakpoints, no DR4 and DR5"),
    ("PSE",         4,  4, "4 MiB pages in 32-bit paging"),
    ("PAE",         5,  5, "physical-address extension: 8-byte entries"),
    ("MCE",         6,  6, "machine checks"),
    ("PGE",         7,  7, "global pages"),
    ("PCE",         8,  8, "RDPMC in any ring"),
    ("OSFXSR",      9,  9, "FXSAVE and SSE"),
    ("OSXMMEXCPT", 10, 10, "SSE errors as #XM"),
    ("UMIP",       11, 11, "SGDT, SIDT, SLDT, SMSW, STR only in ring 0"),
    ("LA57",       12, 12, "5-level paging"),
    ("VMXE",       13, 13, "VMX"),
    ("SMXE",       14, 14, "SMX"),
    ("FSGSBASE",   16, 16, "RDFSBASE and its kin in any ring"),
    ("PCIDE",      17, 17, "process-context identifiers"),
    ("OSXSAVE",    18, 18, "XSAVE and XCR0"),
    ("KL",         19, 19, "key locker"),
    ("SMEP",       20, 20, "ring 0 never executes user pages"),
    ("SMAP",       21, 21, "ring 0 touches user pages only with RFLAGS.AC"),
    ("PKE",        22, 22, "protection keys for user pages"),
    ("CET",        23, 23, "control-flow enforcement"),
    ("PKS",        24, 24, "protection keys for supervisor pages"),
    ("UINTR",      25, 25, "user interrupts"),
    ("LASS",       27, 27, "linear-address space separation"),
    ("LAM_SUP",    28, 28, "linear-address masking for supervisor addresses"),
    ("FRED",       32, 32, "flexible return and event delivery"),
)

CR8 = Layout(
    "CR8", 64,
    ("TPL",         0,  3, "task priority: interrupts of this class and below wait"),
)

EFER = Layout(
    "EFER", 64,
    # AMD's bits stand beside Intel's (AMD APM 2 3.1.7); SVME and the later ones are reserved on Intel.
    ("SCE",         0,  0, "SYSCALL and SYSRET"),
    ("LME",         8,  8, "long mode enabled: active once paging is on"),
    ("LMA",        10, 10, "long mode active"),
    ("NXE",        11, 11, "no-execute bit in page tables"),
    ("SVME",       12, 12, "SVM (AMD)"),
    ("LMSLE",      13, 13, "segment limits in long mode (AMD)"),
    ("FFXSR",      14, 14, "fast FXSAVE (AMD)"),
    ("TCE",        15, 15, "translation cache extension (AMD)"),
    ("AUTOIBRS",   21, 21, "automatic IBRS (AMD)"),
)

XCR0 = Layout(
    "XCR0", 64,
    # SDM 1 13.1
    ("x87",         0,  0, "x87 state, always 1"),
    ("SSE",         1,  1, "XMM registers and MXCSR"),
    ("AVX",         2,  2, "upper halves of YMM0-15"),
    ("BNDREG",      3,  3, "MPX bounds registers"),
    ("BNDCSR",      4,  4, "MPX configuration"),
    ("opmask",      5,  5, "AVX-512 k0-k7"),
    ("ZMM_Hi256",   6,  6, "upper halves of ZMM0-15"),
    ("Hi16_ZMM",    7,  7, "ZMM16-31"),
    ("PKRU",        9,  9, "protection-key rights of user pages"),
    ("TILECFG",    17, 17, "AMX tile configuration"),
    ("TILEDATA",   18, 18, "AMX tiles"),
    ("APX",        19, 19, "R16-R31"),
)

DR6 = Layout(
    "DR6", 64,
    # BLD and RTM have the other sense: clear when their event happened.
    ("B0",          0,  0, "breakpoint 0 met"),
    ("B1",          1,  1, "breakpoint 1 met"),
    ("B2",          2,  2, "breakpoint 2 met"),
    ("B3",          3,  3, "breakpoint 3 met"),
    ("no_BLD",     11, 11, "clear: bus lock detected"),
    ("BD",         13, 13, "next instruction accesses a debug register"),
    ("BS",         14, 14, "single step (TF)"),
    ("BT",         15, 15, "task switch to a TSS with T set"),
    ("no_RTM",     16, 16, "clear: within a transaction"),
    fixed=0xFFFE07F0,
)

_CONDITION = {0: "execute", 1: "write", 2: "I/O", 3: "access"}
_LENGTH = {0: "1", 1: "2", 2: "8", 3: "4"}

DR7 = Layout(
    "DR7", 64,
    ("L0",          0,  0, "breakpoint 0 enabled, local"),
    ("G0",          1,  1, "breakpoint 0 enabled, global"),
    ("L1",          2,  2, "breakpoint 1 enabled, local"),
    ("G1",          3,  3, "breakpoint 1 enabled, global"),
    ("L2",          4,  4, "breakpoint 2 enabled, local"),
    ("G2",          5,  5, "breakpoint 2 enabled, global"),
    ("L3",          6,  6, "breakpoint 3 enabled, local"),
    ("G3",          7,  7, "breakpoint 3 enabled, global"),
    ("LE",          8,  8, "exact local breakpoints (ignored)"),
    ("GE",          9,  9, "exact global breakpoints (ignored)"),
    ("RTM",        11, 11, "debugging of transactions"),
    ("GD",         13, 13, "debug registers guarded: #DB on access"),
    ("RW0",        16, 17, "breakpoint 0: condition", _CONDITION),
    ("LEN0",       18, 19, "breakpoint 0: length in bytes", _LENGTH),
    ("RW1",        20, 21, "breakpoint 1: condition", _CONDITION),
    ("LEN1",       22, 23, "breakpoint 1: length in bytes", _LENGTH),
    ("RW2",        24, 25, "breakpoint 2: condition", _CONDITION),
    ("LEN2",       26, 27, "breakpoint 2: length in bytes", _LENGTH),
    ("RW3",        28, 29, "breakpoint 3: condition", _CONDITION),
    ("LEN3",       30, 31, "breakpoint 3: length in bytes", _LENGTH),
    fixed=1 << 10,
)
# fmt: on
