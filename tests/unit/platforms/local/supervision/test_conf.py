"""supervisord's files, read back by supervisor's own parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from slipway.platforms.local.supervision import conf
from slipway.platforms.local.supervision.conf import Program
from slipway.platforms.local.supervision.control import read_configured


def parsed(folder: Path, program: Program) -> ServerOptions:
    (folder / "conf.d").mkdir(parents=True)
    (folder / "conf.d" / f"{program.name}.conf").write_text(conf.program_text(program))
    main = folder / "supervisord.conf"
    main.write_text(conf.daemon_text(folder, folder / "s.sock"))
    options = ServerOptions()
    options.realize(args=["-c", str(main)])
    return options


@pytest.mark.parametrize("folder", ["plain", "with space", "per%cent"])
def test_paths_of_any_kind_survive(tmp_path: Path, folder: str) -> None:
    home = tmp_path / folder
    own = home / "i"
    own.mkdir(parents=True)
    program = Program(
        name="web-1234-0", command=("python", "-m", "x", str(own)), folder=own, log=own / "a.log"
    )
    options = parsed(home, program)
    (group,) = options.process_group_configs
    (process,) = group.process_configs
    assert process.directory == str(own)
    assert process.stdout_logfile == str(own / "a.log")
    assert str(own) in process.command


@pytest.mark.parametrize(
    ("policy", "restarts", "retries"),
    [("no", False, 0), ("on-failure", "unexpected", 20), ("always", True, 20)],
)
def test_restart_policies(tmp_path: Path, policy: str, restarts: object, retries: int) -> None:
    from supervisor.datatypes import RestartUnconditionally, RestartWhenExitUnexpected

    words = {False: False, "unexpected": RestartWhenExitUnexpected, True: RestartUnconditionally}
    program = Program(
        name="p",
        command=("true",),
        folder=tmp_path,
        log=tmp_path / "log",
        restart=policy,  # type: ignore[arg-type]
        stop_signal="SIGINT",
        stop_grace=2.5,
    )
    options = parsed(tmp_path / "s", program)
    process = options.process_group_configs[0].process_configs[0]
    assert process.autorestart is words[restarts]  # type: ignore[index]
    assert (process.startretries, process.autostart) == (retries, False)
    assert (process.stopsignal.name, process.stopwaitsecs) == ("SIGINT", 3)
    assert (process.stdout_logfile_maxbytes, process.stdout_logfile_backups) == (10 * 1024**2, 3)
    path = tmp_path / "s" / "conf.d" / "p.conf"
    again = read_configured(path, "p")
    assert again is not None
    assert (again.folder, again.stop_signal.name, again.grace) == (tmp_path, "SIGINT", 3.0)


def test_a_torn_file_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p.conf"
    path.write_text("[program:p]\ncomm")
    assert read_configured(path, "p") is None
    assert read_configured(tmp_path / "none.conf", "none") is None
