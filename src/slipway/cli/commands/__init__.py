"""The table of commands: a name, the module that holds it, one line for `--help`."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command: its module below this package, and what it does, in a line."""

    module: str
    summary: str


GROUPS: dict[str, list[str]] = {
    "Deploy": ["install", "upgrade", "rollback", "verify", "canary", "resume", "reconcile",
               "start", "cleanup"],
    "Look": ["status", "logs", "history", "plan", "diff", "open", "exec"],
    "Develop": ["dev"],
    "Set up": ["secrets", "config", "platform", "completion", "app"],
}  # fmt: skip

COMMANDS: dict[str, Entry] = {
    "install": Entry("install", "Start the app here, and prove that it works"),
    "upgrade": Entry("upgrade", "Move to a new version beside the old one, or back if it fails"),
    "rollback": Entry("rollback", "Go back to the last verified release, or a named one"),
    "verify": Entry("verify", "Probe every service and run the smoke tests"),
    "canary": Entry("canary", "Promote, abort or hold a canary from another terminal"),
    "resume": Entry("resume", "Finish or put back a run that was interrupted"),
    "reconcile": Entry("reconcile", "Repair what differs between the release and what is there"),
    "start": Entry("start", "Bring the current release back, after a reboot"),
    "cleanup": Entry("cleanup", "Stop and remove everything that was started"),
    "status": Entry("status", "What runs here, how it is, and where to reach it"),
    "logs": Entry("logs", "What the services say"),
    "history": Entry("history", "Releases and runs"),
    "plan": Entry("plan", "What an upgrade would do"),
    "diff": Entry("diff", "What differs between two releases"),
    "open": Entry("open", "Open the app in a browser"),
    "exec": Entry("exec", "Run a command where a service runs"),
    "dev": Entry("dev", "Run the app and restart what changes"),
    "secrets": Entry("secrets", "Make, list, set and show secrets"),
    "config": Entry("config", "Check, show and write configuration"),
    "platform": Entry("platform", "Which platforms there are, and which fits here"),
    "completion": Entry("completion", "Print a shell's completion script"),
    "app": Entry("app", "The same as install, upgrade and the others: `app install`"),
}
