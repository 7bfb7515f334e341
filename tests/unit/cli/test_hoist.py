"""Flags may stand anywhere, as kubectl and Helm taught people."""

from __future__ import annotations

import pytest

from slipway.cli.commands import COMMANDS
from slipway.cli.hoist import hoist

CASES = {
    "status": "status",
    "-e staging status": "status -e staging",
    "--env=staging status --watch": "status --env=staging --watch",
    "-C dir -e staging logs -f web": "logs -C dir -e staging -f web",
    "--env=development --auto-secrets --wait --verify": (
        "install --env=development --auto-secrets --wait --verify"
    ),
    "-e dev secrets list": "secrets list -e dev",
    "-f dev.yaml logs -f": "logs --file dev.yaml -f",
    "--help": "--help",
    "--version": "--version",
    "": "",
    "--env status": "install --env status",
    "-y upgrade --version=v2": "upgrade -y --version=v2",
    "-e dev nonsense": "nonsense -e dev",
}


@pytest.mark.parametrize("given", CASES)
def test_the_command_comes_first(given: str) -> None:
    assert hoist(given.split(), COMMANDS) == CASES[given].split()
