"""Linux's own commands for gdb, scripts/gdb of Debian's linux-source package: some 140 MB to fetch, once."""

import shutil
import subprocess
from pathlib import Path

from ringscope import linux

PACKAGE, VERSION = "linux-source-6.1", "6.1"
TREE = f"linux-source-{VERSION}"


def fetch(directory):
    """Lay the scripts out in ``directory`` as Linux's build does; the file that gdb sources. Raises PackageError."""
    packages = linux.cache(print)
    release = packages.release(PACKAGE)
    archive = packages.file(release, f"usr/src/{TREE}.tar.xz")
    kept = archive.with_name("scripts-gdb")
    if not kept.exists():
        new = archive.with_name("scripts-gdb.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        subprocess.run(["tar", "-xJf", archive, "-C", new, "--strip-components=3", f"{TREE}/scripts/gdb"], check=True)
        new.rename(kept)
    scripts = Path(directory) / "scripts" / "gdb"
    shutil.copytree(kept, scripts)
    shutil.copy(Path("gdb-scripts") / "linux_constants.py", scripts / "linux" / "constants.py")
    return shutil.copy(scripts / "vmlinux-gdb.py", directory)
