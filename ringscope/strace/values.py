"""Flags and numbers of Linux's x86-64 system calls by name (Linux: include/uapi), and which parameter has which."""

from __future__ import annotations

Flags = tuple[tuple[int, str], ...]

# fmt: off
ACCESS_MODES = {0: "O_RDONLY", 1: "O_WRONLY", 2: "O_RDWR"}
OPEN: Flags = (
    (0o100, "O_CREAT"), (0o200, "O_EXCL"), (0o400, "O_NOCTTY"), (0o1000, "O_TRUNC"), (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"), (0o100000, "O_LARGEFILE"), (0o200000, "O_DIRECTORY"), (0o400000, "O_NOFOLLOW"),
    (0o2000000, "O_CLOEXEC"), (0o10000000, "O_PATH"),
)
PROTECTION: Flags = ((1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC"))
MAPPING: Flags = (
    (0x01, "MAP_SHARED"), (0x02, "MAP_PRIVATE"), (0x10, "MAP_FIXED"), (0x20, "MAP_ANONYMOUS"), (0x100, "MAP_GROWSDOWN"),
    (0x800, "MAP_DENYWRITE"), (0x4000, "MAP_NORESERVE"), (0x8000, "MAP_POPULATE"), (0x20000, "MAP_STACK"),
)
CLONE: Flags = (
    (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"), (0x800, "CLONE_SIGHAND"),
    (0x4000, "CLONE_VFORK"), (0x8000, "CLONE_PARENT"), (0x10000, "CLONE_THREAD"), (0x40000, "CLONE_SYSVSEM"),
    (0x80000, "CLONE_SETTLS"), (0x100000, "CLONE_PARENT_SETTID"), (0x200000, "CLONE_CHILD_CLEARTID"),
    (0x1000000, "CLONE_CHILD_SETTID"),
)
AT: Flags = (
    (0x100, "AT_SYMLINK_NOFOLLOW"), (0x200, "AT_REMOVEDIR"), (0x400, "AT_SYMLINK_FOLLOW"), (0x800, "AT_NO_AUTOMOUNT"),
    (0x1000, "AT_EMPTY_PATH"),
)
WAIT: Flags = ((1, "WNOHANG"), (2, "WUNTRACED"), (8, "WCONTINUED"))
CLOSE_EXEC: Flags = ((0o4000, "O_NONBLOCK"), (0o2000000, "O_CLOEXEC"))
MOUNT: Flags = ((1, "MS_RDONLY"), (2, "MS_NOSUID"), (4, "MS_NODEV"), (8, "MS_NOEXEC"), (32, "MS_REMOUNT"),
                (4096, "MS_BIND"), (8192, "MS_MOVE"))
ACCESS: Flags = ((4, "R_OK"), (2, "W_OK"), (1, "X_OK"))

WHENCE = {0: "SEEK_SET", 1: "SEEK_CUR", 2: "SEEK_END", 3: "SEEK_DATA", 4: "SEEK_HOLE"}
FCNTL = {0: "F_DUPFD", 1: "F_GETFD", 2: "F_SETFD", 3: "F_GETFL", 4: "F_SETFL", 5: "F_GETLK", 6: "F_SETLK",
         7: "F_SETLKW", 1030: "F_DUPFD_CLOEXEC", 1032: "F_GETPIPE_SZ"}
IOCTL = {0x5401: "TCGETS", 0x5402: "TCSETS", 0x5403: "TCSETSW", 0x5404: "TCSETSF", 0x540E: "TIOCSCTTY",
         0x540F: "TIOCGPGRP", 0x5410: "TIOCSPGRP", 0x5413: "TIOCGWINSZ", 0x5414: "TIOCSWINSZ", 0x541B: "FIONREAD",
         0x5421: "FIONBIO", 0x5450: "FIONCLEX", 0x5451: "FIOCLEX"}
MASK_HOW = {0: "SIG_BLOCK", 1: "SIG_UNBLOCK", 2: "SIG_SETMASK"}
CLOCKS = {0: "CLOCK_REALTIME", 1: "CLOCK_MONOTONIC", 2: "CLOCK_PROCESS_CPUTIME_ID", 3: "CLOCK_THREAD_CPUTIME_ID",
          4: "CLOCK_MONOTONIC_RAW", 5: "CLOCK_REALTIME_COARSE", 6: "CLOCK_MONOTONIC_COARSE", 7: "CLOCK_BOOTTIME"}
ARCH_PRCTL = {0x1001: "ARCH_SET_GS", 0x1002: "ARCH_SET_FS", 0x1003: "ARCH_GET_FS", 0x1004: "ARCH_GET_GS"}
RESOURCES = {0: "RLIMIT_CPU", 1: "RLIMIT_FSIZE", 2: "RLIMIT_DATA", 3: "RLIMIT_STACK", 4: "RLIMIT_CORE", 5: "RLIMIT_RSS",
             6: "RLIMIT_NPROC", 7: "RLIMIT_NOFILE", 8: "RLIMIT_MEMLOCK", 9: "RLIMIT_AS"}

FLAGS: dict[tuple[str, str], Flags] = {
    # (system call, parameter): bits that are joined by |
    ("mmap", "prot"): PROTECTION, ("mprotect", "prot"): PROTECTION, ("mmap", "flags"): MAPPING,
    ("clone", "clone_flags"): CLONE, ("wait4", "options"): WAIT, ("pipe2", "flags"): CLOSE_EXEC,
    ("dup3", "flags"): CLOSE_EXEC, ("unlinkat", "flag"): AT, ("newfstatat", "flag"): AT, ("statx", "flags"): AT,
    ("linkat", "flags"): AT, ("fchownat", "flag"): AT, ("utimensat", "flags"): AT, ("faccessat2", "flags"): AT,
    ("execveat", "flags"): AT, ("mount", "flags"): MOUNT, ("access", "mode"): ACCESS, ("faccessat", "mode"): ACCESS,
    ("faccessat2", "mode"): ACCESS,
}
WORDS: dict[tuple[str, str], dict[int, str]] = {
    # (system call, parameter): one of several numbers
    ("lseek", "whence"): WHENCE, ("fcntl", "cmd"): FCNTL, ("ioctl", "cmd"): IOCTL, ("rt_sigprocmask", "how"): MASK_HOW,
    ("clock_gettime", "which_clock"): CLOCKS, ("clock_getres", "which_clock"): CLOCKS,
    ("clock_nanosleep", "which_clock"): CLOCKS, ("arch_prctl", "option"): ARCH_PRCTL,
    ("prlimit64", "resource"): RESOURCES, ("getrlimit", "resource"): RESOURCES, ("setrlimit", "resource"): RESOURCES,
}
# fmt: on

ADDRESSES = {"mmap", "brk"}
"""Calls whose result is an address."""

ENDLESS = {"exit", "exit_group"}
"""Calls that never come back."""


def flags_in_words(value: int, flags: Flags) -> str:
    """Set bits by name, the rest in hexadecimal; 0 for none."""
    words = [name for bit, name in flags if value & bit]
    rest = value & ~sum(bit for bit, _ in flags)
    return "|".join([*words, *([f"{rest:#x}"] if rest else [])]) or "0"


def open_flags(value: int) -> str:
    """As open's flags are written: the access mode first."""
    mode = ACCESS_MODES.get(value & 3, "O_ACCMODE")
    rest = value & ~3
    return f"{mode}|{flags_in_words(rest, OPEN)}" if rest else mode
