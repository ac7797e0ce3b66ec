"""Model-specific registers: numbers, names and, where their bits have names, layouts (SDM 4 table 2-2).

Names are the SDM's without its IA32_ prefix; the syscall registers have AMD's and Linux's short names.
"""

from __future__ import annotations

from typing import NamedTuple

from .bits import Layout
from .control import EFER

_MEMORY_TYPE = {0: "UC", 1: "WC", 4: "WT", 5: "WP", 6: "WB", 7: "UC-"}

# fmt: off
STAR = Layout(
    "STAR", 64,
    ("syscall_eip",    0, 31, "32-bit SYSCALL target (unused in long mode)"),
    ("syscall_cs",    32, 47, "SYSCALL: CS selector, SS is 8 more"),
    ("sysret_cs",     48, 63, "SYSRET: CS is 16 more (64-bit) or this (32-bit), SS 8 more, both with RPL 3"),
)
APIC_BASE = Layout(
    "APIC_BASE", 64,
    ("BSP",            8,  8, "bootstrap processor"),
    ("EXTD",          10, 10, "x2APIC mode"),
    ("EN",            11, 11, "local APIC enabled"),
    ("frame",         12, 51, "physical address of its registers >> 12"),
)
FEATURE_CONTROL = Layout(
    "FEATURE_CONTROL", 64,
    ("LOCK",           0,  0, "no writes until reset"),
    ("VMX_IN_SMX",     1,  1, "VMXON inside SMX"),
    ("VMX",            2,  2, "VMXON outside SMX"),
    ("SENTER_LOCAL",   8, 14, "SENTER leaves"),
    ("SENTER",        15, 15, "SENTER enabled"),
    ("SGX_LC",        17, 17, "SGX launch control"),
    ("SGX",           18, 18, "SGX enabled"),
    ("LMCE",          20, 20, "local machine checks"),
)
SPEC_CTRL = Layout(
    "SPEC_CTRL", 64,
    ("IBRS",           0,  0, "indirect branches restricted"),
    ("STIBP",          1,  1, "no sharing of indirect-branch predictions between threads"),
    ("SSBD",           2,  2, "no speculative store bypass"),
)
DEBUGCTL = Layout(
    "DEBUGCTL", 64,
    ("LBR",            0,  0, "record last branches"),
    ("BTF",            1,  1, "TF steps branches, not instructions"),
    ("BLD",            2,  2, "#DB on bus locks"),
    ("TR",             6,  6, "send branch trace messages"),
    ("BTS",            7,  7, "branch trace store"),
    ("BTINT",          8,  8, "interrupt when the store is full"),
    ("BTS_OFF_OS",     9,  9, "no branch trace in ring 0"),
    ("BTS_OFF_USR",   10, 10, "no branch trace in rings 1-3"),
    ("FREEZE_LBRS",   11, 11, "freeze last branches on PMI"),
    ("FREEZE_PERFMON", 12, 12, "freeze counters on PMI"),
    ("RTM",           15, 15, "debugging of transactions"),
)
MISC_ENABLE = Layout(
    "MISC_ENABLE", 64,
    ("FAST_STRINGS",   0,  0, "fast REP MOVS and STOS"),
    ("TCC",            3,  3, "automatic thermal control"),
    ("PERFMON",        7,  7, "performance monitoring available"),
    ("BTS_UNAVAIL",   11, 11, "no branch trace store"),
    ("PEBS_UNAVAIL",  12, 12, "no precise event sampling"),
    ("EIST",          16, 16, "SpeedStep"),
    ("MONITOR",       18, 18, "MONITOR and MWAIT"),
    ("LIMIT_CPUID",   22, 22, "CPUID limited to leaf 2"),
    ("XTPR_DISABLE",  23, 23, "no task-priority messages"),
    ("XD_DISABLE",    34, 34, "no-execute bit not available"),
    ("TURBO_DISABLE", 38, 38, "no turbo"),
)
PAT = Layout(
    "PAT", 64,
    # Entry = PAT*4 + PCD*2 + PWT of the page's entry (SDM 3A 11.12.3).
    ("PA0",            0,  2, "type for PAT=0 PCD=0 PWT=0", _MEMORY_TYPE),
    ("PA1",            8, 10, "type for PAT=0 PCD=0 PWT=1", _MEMORY_TYPE),
    ("PA2",           16, 18, "type for PAT=0 PCD=1 PWT=0", _MEMORY_TYPE),
    ("PA3",           24, 26, "type for PAT=0 PCD=1 PWT=1", _MEMORY_TYPE),
    ("PA4",           32, 34, "type for PAT=1 PCD=0 PWT=0", _MEMORY_TYPE),
    ("PA5",           40, 42, "type for PAT=1 PCD=0 PWT=1", _MEMORY_TYPE),
    ("PA6",           48, 50, "type for PAT=1 PCD=1 PWT=0", _MEMORY_TYPE),
    ("PA7",           56, 58, "type for PAT=1 PCD=1 PWT=1", _MEMORY_TYPE),
)
MTRRCAP = Layout(
    "MTRRCAP", 64,
    ("VCNT",           0,  7, "number of variable ranges"),
    ("FIX",            8,  8, "fixed ranges"),
    ("WC",            10, 10, "write-combining"),
    ("SMRR",          11, 11, "SMM range registers"),
)
MTRR_DEF_TYPE = Layout(
    "MTRR_DEF_TYPE", 64,
    ("TYPE",           0,  7, "type of memory in no range", _MEMORY_TYPE),
    ("FE",            10, 10, "fixed ranges enabled"),
    ("E",             11, 11, "MTRRs enabled"),
)
MTRR_PHYSBASE = Layout(
    "MTRR_PHYSBASE", 64,
    ("TYPE",           0,  7, "memory type", _MEMORY_TYPE),
    ("frame",         12, 51, "physical base >> 12"),
)
MTRR_PHYSMASK = Layout(
    "MTRR_PHYSMASK", 64,
    ("V",             11, 11, "range valid"),
    ("frame",         12, 51, "mask >> 12"),
)
PKRS = Layout(
    "PKRS", 32,
    # SDM 3A 4.6.2; the PKRU register has the same bits.
    *((f"{right}{key}", 2 * key + bit, 2 * key + bit, f"key {key}: no {act}")
      for key in range(16) for bit, (right, act) in enumerate((("AD", "access"), ("WD", "writes")))),
)
TSC_AUX = Layout(
    "TSC_AUX", 64,
    ("cpu",            0, 11, "processor number (Linux: vdso/processor.h)"),
    ("node",          12, 31, "NUMA node"),
)


class Msr(NamedTuple):
    """One model-specific register: its number in ECX, its name and, if any, its layout."""

    number: int
    name: str
    meaning: str
    layout: Layout | None = None


MSRS: tuple[Msr, ...] = (
    Msr(0x0000_0010, "TSC",              "time-stamp counter"),
    Msr(0x0000_0017, "PLATFORM_ID",      "platform"),
    Msr(0x0000_001B, "APIC_BASE",        "local APIC: place and state", APIC_BASE),
    Msr(0x0000_003A, "FEATURE_CONTROL",  "which features firmware allows", FEATURE_CONTROL),
    Msr(0x0000_003B, "TSC_ADJUST",       "offset added to the TSC"),
    Msr(0x0000_0048, "SPEC_CTRL",        "speculation control", SPEC_CTRL),
    Msr(0x0000_0049, "PRED_CMD",         "flush of predictions"),
    Msr(0x0000_0079, "BIOS_UPDT_TRIG",   "load a microcode update"),
    Msr(0x0000_008B, "BIOS_SIGN_ID",     "microcode revision, in the high half"),
    Msr(0x0000_00E7, "MPERF",            "cycles at a fixed frequency"),
    Msr(0x0000_00E8, "APERF",            "cycles at the actual frequency"),
    Msr(0x0000_00FE, "MTRRCAP",          "what the MTRRs can", MTRRCAP),
    Msr(0x0000_010A, "ARCH_CAPABILITIES", "which speculation flaws are absent"),
    Msr(0x0000_0174, "SYSENTER_CS",      "SYSENTER: CS selector, SS is 8 more"),
    Msr(0x0000_0175, "SYSENTER_ESP",     "SYSENTER: RSP"),
    Msr(0x0000_0176, "SYSENTER_EIP",     "SYSENTER: RIP"),
    Msr(0x0000_0179, "MCG_CAP",          "machine-check banks"),
    Msr(0x0000_017A, "MCG_STATUS",       "machine-check status"),
    Msr(0x0000_017B, "MCG_CTL",          "machine-check control"),
    Msr(0x0000_0186, "PERFEVTSEL0",      "event of performance counter 0"),
    Msr(0x0000_0198, "PERF_STATUS",      "performance state"),
    Msr(0x0000_0199, "PERF_CTL",         "performance state wanted"),
    Msr(0x0000_019A, "CLOCK_MODULATION", "duty cycle of the clock"),
    Msr(0x0000_019C, "THERM_STATUS",     "thermal status"),
    Msr(0x0000_01A0, "MISC_ENABLE",      "features switched on or off", MISC_ENABLE),
    Msr(0x0000_01D9, "DEBUGCTL",         "branch records and traces", DEBUGCTL),
    *(Msr(0x200 + 2 * n, f"MTRR_PHYSBASE{n}", f"variable range {n}: base and type", MTRR_PHYSBASE)
      for n in range(10)),
    *(Msr(0x201 + 2 * n, f"MTRR_PHYSMASK{n}", f"variable range {n}: mask", MTRR_PHYSMASK)
      for n in range(10)),
    Msr(0x0000_0250, "MTRR_FIX64K_00000", "types of 0-0x7ffff, a byte each 64 KiB"),
    Msr(0x0000_0258, "MTRR_FIX16K_80000", "types of 0x80000-0x9ffff, a byte each 16 KiB"),
    Msr(0x0000_0259, "MTRR_FIX16K_A0000", "types of 0xa0000-0xbffff, a byte each 16 KiB"),
    *(Msr(0x268 + n, f"MTRR_FIX4K_{0xC0000 + n * 0x8000:X}",
          f"types of {0xC0000 + n * 0x8000:#x}-{0xC7FFF + n * 0x8000:#x}, a byte each 4 KiB")
      for n in range(8)),
    Msr(0x0000_0277, "PAT",              "page attribute table", PAT),
    Msr(0x0000_02FF, "MTRR_DEF_TYPE",    "MTRRs on, type of all other memory", MTRR_DEF_TYPE),
    Msr(0x0000_038D, "FIXED_CTR_CTRL",   "control of fixed performance counters"),
    Msr(0x0000_038F, "PERF_GLOBAL_CTRL", "performance counters enabled"),
    Msr(0x0000_0400, "MC0_CTL",          "machine-check bank 0: control"),
    Msr(0x0000_0401, "MC0_STATUS",       "machine-check bank 0: status"),
    Msr(0x0000_06A0, "U_CET",            "control-flow enforcement in ring 3"),
    Msr(0x0000_06A2, "S_CET",            "control-flow enforcement in ring 0"),
    Msr(0x0000_06A4, "PL0_SSP",          "shadow stack of ring 0"),
    Msr(0x0000_06A8, "INTERRUPT_SSP_TABLE_ADDR", "shadow stacks of the interrupt stacks"),
    Msr(0x0000_06E0, "TSC_DEADLINE",     "TSC value at which the APIC timer fires"),
    Msr(0x0000_06E1, "PKRS",             "protection-key rights of supervisor pages", PKRS),
    Msr(0x0000_0802, "X2APIC_APICID",    "x2APIC identity"),
    Msr(0x0000_080B, "X2APIC_EOI",       "x2APIC end of interrupt"),
    Msr(0x0000_0830, "X2APIC_ICR",       "x2APIC interrupt command"),
    Msr(0x0000_0DA0, "XSS",              "supervisor state saved by XSAVES"),
    Msr(0xC000_0080, "EFER",             "extended features: SYSCALL, long mode, no-execute", EFER),
    Msr(0xC000_0081, "STAR",             "SYSCALL and SYSRET: selectors", STAR),
    Msr(0xC000_0082, "LSTAR",            "SYSCALL from 64-bit code: RIP"),
    Msr(0xC000_0083, "CSTAR",            "SYSCALL from compatibility mode: RIP (AMD)"),
    Msr(0xC000_0084, "FMASK",            "SYSCALL: RFLAGS bits to clear"),
    Msr(0xC000_0100, "FS_BASE",          "base of FS"),
    Msr(0xC000_0101, "GS_BASE",          "base of GS"),
    Msr(0xC000_0102, "KERNEL_GS_BASE",   "what SWAPGS swaps with the base of GS"),
    Msr(0xC000_0103, "TSC_AUX",          "what RDTSCP and RDPID read", TSC_AUX),
)
# fmt: on

BY_NUMBER: dict[int, Msr] = {msr.number: msr for msr in MSRS}
BY_NAME: dict[str, Msr] = {msr.name: msr for msr in MSRS}


def msr_name(number: int) -> str:
    """The register's name, or its number in hex if the table lacks it."""
    msr = BY_NUMBER.get(number)
    return msr.name if msr else f"MSR {number:#x}"
