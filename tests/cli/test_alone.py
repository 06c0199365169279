"""A command works in a process of its own, in which no other command was imported."""

from __future__ import annotations

import subprocess
import sys

from groundswell.cli.app import COMMANDS

ONLY_ONES = [names[0] for names in COMMANDS.values() if len(names) == 1]


def test_a_command_that_is_alone_in_its_module_keeps_its_name():
    assert "demo" in ONLY_ONES
    told = subprocess.run(
        [sys.executable, "-m", "groundswell", "demo", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0
    assert "groundswell demo" in told.stdout
