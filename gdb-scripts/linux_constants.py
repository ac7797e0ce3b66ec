"""What Linux's build writes for Linux's own gdb commands from its headers, for the kernel model: their constants.py.

Copy it to scripts/gdb/linux/constants.py of Linux's sources (docs/howto/linux-gdb-scripts.md).
"""

import gdb

# linux/fs.h
LX_SB_RDONLY = 1 << 0
LX_SB_SYNCHRONOUS = 1 << 4
LX_SB_MANDLOCK = 1 << 6
LX_SB_DIRSYNC = 1 << 7
LX_SB_NOATIME = 1 << 10
LX_SB_NODIRATIME = 1 << 11

# linux/mount.h
LX_MNT_NOSUID = 0x01
LX_MNT_NODEV = 0x02
LX_MNT_NOEXEC = 0x04
LX_MNT_NOATIME = 0x08
LX_MNT_NODIRATIME = 0x10
LX_MNT_RELATIME = 0x20

# linux/hrtimer.h
LX_hrtimer_resolution = gdb.parse_and_eval("hrtimer_resolution")

# linux/threads.h, linux/of_fdt.h: there is no device tree to have that header
LX_NR_CPUS = 1
LX_OF_DT_HEADER = 0xD00DFEED

# What this kernel is built with: complete types, ticks from the 8254 alone, timers that the ticks look after.
LX_CONFIG_DEBUG_INFO_REDUCED = 0
LX_CONFIG_GENERIC_CLOCKEVENTS = 0
LX_CONFIG_GENERIC_CLOCKEVENTS_BROADCAST = 0
LX_CONFIG_HIGH_RES_TIMERS = 0
LX_CONFIG_NR_CPUS = 1
LX_CONFIG_OF = 0
LX_CONFIG_TICK_ONESHOT = 0
