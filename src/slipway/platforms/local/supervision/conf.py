"""supervisord's configuration as text: pure functions over data."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slipway.app.model import RestartPolicy

LOG_BYTES = 10 * 1024 * 1024
LOG_BACKUPS = 3
_AUTORESTART: Mapping[str, str] = {
    "always": "true",
    "unless-stopped": "true",
    "on-failure": "unexpected",
    "no": "false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program under supervision. `folder` is its own: the launch file, pid and log of starts.

    `priority` orders starts after supervisord itself was lost: backing services first.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    restart: RestartPolicy = "unless-stopped"
    stop_signal: str = "SIGTERM"
    stop_grace: float = 10.0
    start_seconds: int = 1
    start_retries: int = 20
    priority: int = 500
    environment: Mapping[str, str] = field(default_factory=dict)


def program_text(program: Program) -> str:
    """The `conf.d` file of one program. Never started by supervisord alone: the engine orders."""
    retries = 0 if program.restart == "no" else program.start_retries
    lines = [
        f"[program:{program.name}]",
        f"command={_escape(shlex.join(program.command))}",
        f"directory={_escape(str(program.folder))}",
        "autostart=false",
        f"autorestart={_AUTORESTART[program.restart]}",
        f"startsecs={program.start_seconds}",
        f"startretries={retries}",
        f"stopsignal={program.stop_signal.removeprefix('SIG')}",
        f"stopwaitsecs={max(1, math.ceil(program.stop_grace))}",
        "stopasgroup=false",  # a container's first process alone is told, and ends its own
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_escape(_escape(str(program.log)))}",  # it is expanded twice
        f"stdout_logfile_maxbytes={LOG_BYTES}",
        f"stdout_logfile_backups={LOG_BACKUPS}",
        f"priority={program.priority}",
    ]
    if program.environment:
        pairs = ",".join(f'{k}="{_escape(v)}"' for k, v in sorted(program.environment.items()))
        lines.append(f"environment={pairs}")
    return "\n".join(lines) + "\n"


def daemon_text(folder: Path, socket: Path) -> str:
    """The main configuration. `include` is relative: its paths are split at spaces."""
    user = "user=root\n" if hasattr(os, "getuid") and os.getuid() == 0 else ""
    return (
        "[unix_http_server]\n"
        f"file={_escape(str(socket))}\n"
        "chmod=0600\n"
        "[supervisord]\n"
        f"logfile={_escape(str(folder / 'supervisord.log'))}\n"
        f"logfile_maxbytes={LOG_BYTES}\n"
        f"logfile_backups={LOG_BACKUPS}\n"
        "loglevel=info\n"
        f"pidfile={_escape(str(folder / 'supervisord.pid'))}\n"
        f"directory={_escape(str(folder))}\n"
        f"childlogdir={_escape(str(folder))}\n"
        "nocleanup=true\n"
        f"{user}"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        "[include]\n"
        "files = conf.d/*.conf\n"
    )


def _escape(text: str) -> str:
    """`%` starts an expansion in these files."""
    return text.replace("%", "%%")
