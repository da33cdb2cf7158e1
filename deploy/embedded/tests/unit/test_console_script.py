"""The command that installation puts on the path is called without arguments."""

import sys
from importlib.metadata import entry_points

import pytest


def test_the_installed_command_reads_its_own_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (script,) = entry_points(group="console_scripts", name="billhook")
    monkeypatch.setattr(sys, "argv", ["billhook", "--help"])
    with pytest.raises(SystemExit) as ended:
        script.load()()
    assert ended.value.code == 0
    assert "run the suite until Ctrl-C" in capsys.readouterr().out
