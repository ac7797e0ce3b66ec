"""The initial RAM disk of `ringscope linux`: busybox, and a script that ends in a shell on the serial console."""

from __future__ import annotations

from collections.abc import Iterable

from kernel.cpio import Member, archive, character_device, directory, regular

INIT = r"""#!/bin/busybox sh
busybox=/bin/busybox
$busybox mkdir -p /proc /sys /dev /tmp /root /sbin /usr/bin /usr/sbin
$busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts 2>/dev/null
hostname debian
export HOME=/root PATH=/sbin:/usr/sbin:/bin:/usr/bin TERM=linux
dmesg -n 4
echo
echo "$(uname -sr) on ringscope: a busybox shell. poweroff -f or exit ends the machine."
exec init
"""

# The shell's status is the machine's, if the archive has our program for that.
# Not a shell's job in the background: that would ignore Ctrl-C, and all its children with it.
INITTAB = "::respawn:/sbin/session\n"
SESSION = """#!/bin/sh
setsid cttyhack sh
status=$?
[ $status = 0 ] || exitport $status 2>/dev/null
poweroff -f
"""

GREETING = "a busybox shell."
"""The end of what the script says right before the prompt."""

PROMPT = "/ # "


def build(busybox: bytes, members: Iterable[Member] = ()) -> bytes:
    """The archive around a static busybox, with whatever else is to be in it."""
    return archive(
        [
            directory("dev"),
            character_device("dev/console", 5, 1),
            regular("bin/busybox", busybox, executable=True),
            regular("init", INIT.encode(), executable=True),
            directory("etc"),
            regular("etc/inittab", INITTAB.encode()),
            directory("sbin"),
            regular("sbin/session", SESSION.encode(), executable=True),
            *members,
        ]
    )
