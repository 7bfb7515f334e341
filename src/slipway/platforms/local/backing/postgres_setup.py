"""The first start of a PostgreSQL: initdb, the database, and the init scripts.

Follows the official image: scripts of `/docker-entrypoint-initdb.d` run once, in order, on a
server that only a private socket reaches. A marker beside the data tells a run that was
killed half way, whose data folder is made again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import PlatformError
from slipway.platforms.local.backing.postgres import Account
from slipway.platforms.local.launchfile import UserData
from slipway.platforms.local.supervision.daemon import processes_with, wait_gone
from slipway.platforms.local.users import hand_over
from slipway.support.data import Frozen
from slipway.support.files import atomic_write, storage_errors

if TYPE_CHECKING:
    import psutil

_MARKER = "initializing"
_STEP_DEADLINE = 120.0
_END_DEADLINE = 10.0
_PASSES = 5
_SCRIPT_DEADLINE = 600.0


class Setup(Frozen, frozen=True, kw_only=True):
    """What is needed to make a data folder. `programs` is the folder of initdb and its like.

    `environment` is for init scripts, with secrets revealed: it must not be kept.
    """

    service: str
    programs: Path
    folder: Path
    data: Path
    socket: Path
    account: Account
    user: UserData | None
    variables: Mapping[str, str] = {}
    scripts: tuple[Path, ...] = ()
    runtime: Path = Path()


def data_version(data: Path) -> int | None:
    """The major version that made a data folder; None if it is empty."""
    try:
        return int((data / "PG_VERSION").read_text().split(".")[0])
    except (OSError, ValueError):
        return None


def is_made(folder: Path, data: Path) -> bool:
    """True if the data folder is there and complete."""
    return (data / "PG_VERSION").exists() and not (folder / _MARKER).exists()


def make(setup: Setup, password: str | None, environment: Mapping[str, str]) -> None:
    """Make the data folder, unless it is there. Blocking. Raises PlatformError, StorageError."""
    if is_made(setup.folder, setup.data):
        return
    marker = setup.folder / _MARKER
    with storage_errors(setup.data):
        if marker.exists():
            _end_leftovers(setup.data)
            _empty(setup.data)
            _empty(setup.socket)
        elif setup.data.is_dir() and any(setup.data.iterdir()):
            raise PlatformError(
                f"{setup.service}: {setup.data} is not empty, and holds no PostgreSQL data",
                hint="empty it, or mount another folder",
            )
        atomic_write(marker, b"")
    hand_over(setup.data, setup.user)
    hand_over(setup.socket, setup.user)
    _initdb(setup, password)
    _allow_loopback(setup)
    _first_start(setup, environment)
    marker.unlink()


def _end_leftovers(data: Path) -> None:
    """End what a killed run left working on this data folder: initdb, or the first server."""
    import psutil

    for _ in range(_PASSES):
        pids = processes_with(str(data))
        found = [process for pid in pids for process in _family(pid)]
        for process in found:
            try:
                process.kill()
            except psutil.Error:
                continue
        wait_gone([process.pid for process in found], _END_DEADLINE)
        if not found:
            return


def _family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    import psutil

    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _empty(folder: Path) -> None:
    """What is inside goes; the folder may be a mount, or belong to the user."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _initdb(setup: Setup, password: str | None) -> None:
    """The password goes through a file in memory that is removed at once."""
    account = setup.account
    command = [
        str(setup.programs / "initdb"), "-D", str(setup.data), "-U", account.user,
        "--auth-local=trust", f"--auth-host={account.auth}", *_defaults(account.initdb_args),
    ]  # fmt: skip
    if password is None:
        _run(setup, [*command, *account.initdb_args], "initdb")
        return
    setup.runtime.mkdir(mode=0o711, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=setup.runtime)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(password + "\n")
        if setup.user is not None:
            os.chown(name, setup.user.uid, setup.user.gid)
        _run(setup, [*command, f"--pwfile={name}", *account.initdb_args], "initdb")
    finally:
        Path(name).unlink(missing_ok=True)


def _defaults(given: Sequence[str]) -> list[str]:
    """The image's locale is UTF-8 whatever the machine's is."""
    said = " ".join(given)
    encoding = [] if "-E" in given or "--encoding" in said else ["--encoding=UTF8"]
    locale = [] if "--locale" in said or "--lc-" in said else ["--locale=C"]
    return [*encoding, *locale, "--no-sync"]


def _allow_loopback(setup: Setup) -> None:
    """initdb allows 127.0.0.1 alone; our addresses are all over 127.0.0.0/8."""
    with storage_errors(setup.data), (setup.data / "pg_hba.conf").open("a") as file:
        file.write(f"host all all 127.0.0.0/8 {setup.account.auth}\n")


def _first_start(setup: Setup, environment: Mapping[str, str]) -> None:
    """A server on the private socket alone: make the database, run the scripts, stop it."""
    options = f"-c listen_addresses='' -c fsync=off -k '{setup.socket}'"
    control = [str(setup.programs / "pg_ctl"), "-D", str(setup.data)]
    log = setup.data / "first-start.log"
    _run(setup, [*control, "-w", "-t", "60", "-l", str(log), "-o", options, "start"], "start", log)
    try:
        account = setup.account
        if account.database != "postgres":
            name = account.database.replace('"', '""')
            _sql(setup, "postgres", ["-c", f'CREATE DATABASE "{name}"'])
        for script in setup.scripts:
            _script(setup, script, environment)
    finally:
        _run(setup, [*control, "-w", "-m", "fast", "stop"], "stop")
        log.unlink(missing_ok=True)
    _run(setup, [str(setup.programs / "initdb"), "--sync-only", "-D", str(setup.data)], "sync")


def _script(setup: Setup, script: Path, environment: Mapping[str, str]) -> None:
    """One init script, by its ending, with the connection in PG... variables."""
    account = setup.account
    if script.name.endswith(".sh"):
        variables = {**environment, "PGHOST": str(setup.socket), "PGUSER": account.user}
        text = script.read_text()
        _run(setup, ["bash", "-e", "-s"], script.name, given=text, variables=variables)
    elif script.name.endswith(".sql.gz"):
        import gzip

        _sql(setup, account.database, ["-f", "-"], gzip.decompress(script.read_bytes()).decode())
    elif script.name.endswith(".sql"):
        _sql(setup, account.database, ["-f", "-"], script.read_text())


def _sql(setup: Setup, database: str, arguments: list[str], text: str | None = None) -> None:
    psql = setup.programs / "psql"
    program = str(psql) if psql.exists() else shutil.which("psql")
    if program is None:
        raise PlatformError(
            f"{setup.service}: psql is missing, which makes the first database",
            hint="install the PostgreSQL client (apt-get install postgresql-client)",
        )
    common = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(setup.socket), "-U"]
    _run(
        setup,
        [program, *common, setup.account.user, "-d", database, *arguments],
        "psql",
        given=text,
    )


def _run(
    setup: Setup,
    command: list[str],
    what: str,
    log: Path | None = None,
    *,
    given: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Run as the database's user. Output goes to a file: pg_ctl's server would keep a pipe open."""
    kept = {"PATH": f"{setup.programs}:{os.environ.get('PATH', '')}", "LC_ALL": "C", "HOME": "/"}
    become: dict[str, Any] = {}
    if setup.user is not None:
        become = {"user": setup.user.uid, "group": setup.user.gid, "extra_groups": []}
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                command,
                cwd="/",
                env={**kept, **setup.variables, **(variables or {})},
                input=(given or "").encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_SCRIPT_DEADLINE if given else _STEP_DEADLINE,
                check=False,
                **become,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PlatformError(f"{setup.service}: {what}: {_reason(error)}") from error
        output.seek(0)
        said = output.read().decode("utf-8", "replace").splitlines()
    if done.returncode != 0:
        lines = [*said, *_lines(log)]
        raise PlatformError(
            f"{setup.service}: {what} ended with exit code {done.returncode}", details=lines[-10:]
        )


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not done after {error.timeout:.0f} s"
    return str(error)


def _lines(log: Path | None) -> list[str]:
    if log is None or not log.exists():
        return []
    return log.read_text("utf-8", "replace").splitlines()
