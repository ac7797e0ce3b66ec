import pytest

from machine.engine import choice
from machine.engine.choice import Engine
from machine.engine.proof import refusal


@pytest.fixture(autouse=True, params=[Engine.FAST, Engine.PORTABLE], ids=lambda engine: engine.value)
def engine(request, monkeypatch):
    """Every test runs on both engines; where only the portable one can run, continuous integration must not be."""
    if request.param is Engine.FAST and (reason := refusal()):
        pytest.skip(reason)
    monkeypatch.setattr(choice, "best", lambda: request.param)
    return request.param
