"""Debian's packages, fetched once: the tests use the user's own cache, as `ringscope linux` does."""

import os

import pytest

from ringscope import linux
from ringscope.apt import PackageError
from tests.linux.debian import Debian


def fetched(suite=None, **what):
    """Debian's files. Without a network there is nothing to test, but in CI that is a failure."""
    try:
        return linux.fetch(linux.cache(print, suite), **what)
    except PackageError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def files():
    """Kernel and initial RAM disk."""
    return fetched()


@pytest.fixture(scope="session")
def files_with_symbols():
    """The same with the kernel's debug information: some 300 MB to fetch, once."""
    return fetched(symbols=True)


@pytest.fixture(scope="module")
def debian(files):
    """A machine at the shell's prompt, shared by the tests of a module."""
    return Debian(files).shell()
