"""The build hook: what it imports is in the build's own requirements, which is all that `pip install .` gives it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"pyelftools": "elftools"}
"""Packages whose module has another name."""


@pytest.fixture
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def modules(requirements):
    names = [re.match(r"[\w-]+", requirement)[0] for requirement in requirements]
    return {MODULES.get(name, name) for name in names}


def test_the_hook_needs_what_the_build_gives(project):
    given = modules(project["build-system"]["requires"])
    missing = modules(project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"]) - given
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({sorted(missing)})); "
        "import hatch_build; hook = object.__new__(hatch_build.CompileHook); "
        f"hook._BuildHookInterface__root = {str(ROOT)!r}; print(hook.dependencies())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout in ("[]\n", f"{project['project']['optional-dependencies']['guest']}\n")
