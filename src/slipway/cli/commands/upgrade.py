"""`deploy upgrade`: a new version beside the old one; traffic moves when it is ready."""

from __future__ import annotations

from slipway.cli.commands.upgrading import install_or_upgrade

command = install_or_upgrade(
    "upgrade",
    "Start the new version beside the old one, move the traffic when it is ready, then stop the"
    " old one. If anything fails, everything is put back.",
)
