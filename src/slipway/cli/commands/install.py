"""`deploy install`: start the app here, and prove that it works."""

from __future__ import annotations

from slipway.cli.commands.upgrading import install_or_upgrade

command = install_or_upgrade("install", "Start the app on an environment, and prove that it works.")
