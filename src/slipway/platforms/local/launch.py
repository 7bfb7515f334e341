"""The last hand before a program runs: `python -m slipway.platforms.local.launch FILE [-- CMD...]`.

supervisord starts this for every program. It reads the launch file (a plan of one process,
without any secret's value), reveals the secrets in memory, rewrites names to addresses, and
becomes the program by `execve`. So values are never in argv, nor in a file on a disk. With
words after `--` it runs those beside the service instead: `deploy exec`, command probes.

It runs at every start of every service: it imports only what it needs for that one.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

CANNOT_RUN = 126
NOT_FOUND = 127
_PIPE_ROOM = 32768


def main(arguments: list[str]) -> NoReturn:
    """Become the program that the launch file describes."""
    with open(arguments[0], encoding="utf-8") as file:  # noqa: PTH123  pathlib costs 5 ms here
        launch = json.load(file)
    inside = arguments[2:] if len(arguments) > 2 and arguments[1] == "--" else None
    try:
        if inside is None:
            _record_start(launch["folder"])
            _unlock(launch.get("pid_locks", []), launch.get("pid_program", ""))
            _make_socket_folder(launch)
        argv, environment = prepare(launch, inside)
        if inside is None:
            _feed_stdin(launch)
        _enter(launch)
    except Exception as error:  # noqa: BLE001  anything here must end as one line in the log
        _fail(f"cannot start {launch.get('name', arguments[0])}: {error}", CANNOT_RUN)
    _become(argv, environment)


def prepare(launch: dict[str, Any], inside: list[str] | None) -> tuple[list[str], dict[str, str]]:
    """The real argv and environment; writes the secret files that the service mounts."""
    reveal = _revealer(launch)
    if inside is None:
        _write_files(launch, reveal)
    argv = launch["argv"]
    if inside is not None:
        argv = _with_options(inside, launch.get("client_options", {}))
    environment: dict[str, str] = launch["environment"]
    if launch.get("net"):
        return _rewritten(launch, argv, environment, reveal, inside is not None)
    return [reveal(w) for w in argv], {k: reveal(v) for k, v in environment.items()}


def _with_options(command: list[str], options: dict[str, list[str]]) -> list[str]:
    """`redis-cli ping` -> `redis-cli -h ADDRESS -p PORT ping`, also inside `sh -c "..."`."""
    import re
    import shlex

    name = os.path.basename(command[0])  # noqa: PTH119
    if name in options:
        return [command[0], *options[name], *command[1:]]
    changed = list(command)
    for client, given in options.items():
        pattern = rf"(?<![\w/.\-]){re.escape(client)}(?=\s)"
        changed = [
            re.sub(pattern, f"{client} {shlex.join(given)}", word) if " " in word else word
            for word in changed
        ]
    return changed


def _rewritten(
    launch: dict[str, Any], argv: list[str], environment: dict[str, str], reveal: Any, inside: bool
) -> tuple[list[str], dict[str, str]]:
    from slipway.platforms.local.network import rewrite

    net = rewrite.Net(
        endpoints={name: _endpoint(e) for name, e in launch["net"]["endpoints"].items()},
        own=_endpoint(launch["net"]["own"]),
        paths=launch["net"]["paths"],
    )
    words = [reveal(w) for w in rewrite.words(argv, net, inside=inside)]
    changed = rewrite.environment(environment, net)
    revealed = {}
    for name, value in changed.items():
        whole = value.startswith("«secret:") and value.endswith("»") and value.count("«") == 1
        revealed[name] = rewrite.rewrite_url(reveal(value), net) if whole else reveal(value)
    return words, {**_hooks(launch, revealed), **_fixed(launch)}


def _endpoint(data: list[Any]) -> Any:
    from slipway.platforms.local.network.rewrite import Endpoint

    return Endpoint(data[0], {int(port): int(real) for port, real in data[1].items()})


def _fixed(launch: dict[str, Any]) -> dict[str, str]:
    """What must be as it is, whatever the service says, such as the real PATH."""
    fixed: dict[str, str] = launch.get("fixed", {})
    return fixed


def _hooks(launch: dict[str, Any], environment: dict[str, str]) -> dict[str, str]:
    """Let Python and Node programs of the service see the network as in a container."""
    folder = launch.get("hooks")
    if not folder:
        return environment
    net = launch["net"]
    hosts = net["endpoints"]
    python = os.pathsep.join(p for p in (f"{folder}/python", environment.get("PYTHONPATH")) if p)
    quoted = f"{folder}/node/hook.cjs".replace("\\", "\\\\").replace('"', '\\"')
    node = " ".join(p for p in (f'--require "{quoted}"', environment.get("NODE_OPTIONS")) if p)
    facts = json.dumps({"own": net["own"], "hosts": hosts}, separators=(",", ":"))
    return {**environment, "PYTHONPATH": python, "NODE_OPTIONS": node, "SLIPWAY_NET": facts}


def _escaped(value: str) -> str:
    """A value inside double quotes, where a backslash escapes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _revealer(launch: dict[str, Any], change: Any = str) -> Any:
    """`reveal` with the pinned versions; the store is opened only if a placeholder is met."""
    from slipway.support.secrets.placeholder import reveal

    cache: dict[str, str] = {}

    def value_of(name: str) -> str:
        if name not in cache:
            where = launch["secrets"]
            if where is None:
                raise ValueError(f"no key file to reveal the secret {name} with")
            cache[name] = change(_read_secret(where, name, where["versions"].get(name)))
        return cache[name]

    return lambda text: reveal(text, value_of) if "«" in text else text


def _read_secret(where: dict[str, Any], name: str, version: int | None) -> str:
    from pathlib import Path

    from slipway.support.filestore import FileStore
    from slipway.support.secrets.age_store import SecretStore

    return SecretStore(FileStore(Path(where["store"])), Path(where["key"])).get(name, version)


def _record_start(folder: str) -> None:
    """Who it is, for who finds this program without a supervisor; and one more start."""
    from slipway.support.machine import identity

    with open(os.path.join(folder, "starts"), "ab") as file:  # noqa: PTH118, PTH123
        file.write(b".")
    with open(os.path.join(folder, "pid"), "wb") as file:  # noqa: PTH118, PTH123
        file.write(f"{os.getpid()}\n{identity(os.getpid())}\n".encode())


def _unlock(locks: list[str], program: str) -> None:
    """Take away the lock files of a killed program, if no such program has that id any more.

    Without it, PostgreSQL refuses to start when another process has got the old one's id, or
    when nobody has waited for the old one's end (a container without an init process).
    """
    for path in locks:
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123
                pid = int(file.readline())
        except (OSError, ValueError):
            continue
        if not _is_running(pid, program):
            os.unlink(path)  # noqa: PTH108


def _make_socket_folder(launch: dict[str, Any]) -> None:
    """It is gone after a cleanup, or a reboot that emptied the folder of temporary files."""
    path = launch.get("socket")
    if not path or os.path.isdir(path):  # noqa: PTH112
        return
    os.mkdir(path, 0o700)  # noqa: PTH102
    user = launch.get("user")
    if user and os.getuid() == 0:
        os.chown(path, user["uid"], user["gid"])


def _is_running(pid: int, program: str) -> bool:
    """True also where it cannot be told."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
            name, _, state = file.read().partition("(")[2].rpartition(")")
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return name.startswith(program) and state.split()[0] not in ("Z", "X")


def _write_files(launch: dict[str, Any], reveal: Any) -> None:
    """Secrets and configs that the service mounts, made anew, readable by it alone."""
    for item in launch.get("files", ()):
        path = item["path"]
        folder = os.path.dirname(path)  # noqa: PTH120
        for private in (os.path.dirname(folder), folder):  # noqa: PTH120
            if not os.path.isdir(private):  # noqa: PTH112
                os.mkdir(private, 0o700)  # noqa: PTH102
            if os.stat(private).st_uid != os.getuid():  # noqa: PTH116
                raise PermissionError(f"{private} belongs to another user")
        if os.path.lexists(path):
            os.unlink(path)  # noqa: PTH108
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, item["mode"])
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(reveal(item["content"]))


def _feed_stdin(launch: dict[str, Any]) -> None:
    """Configuration that holds secrets reaches the program by its standard input."""
    template = launch.get("stdin")
    if template is None:
        return
    data = _revealer(launch, _escaped)(template).encode()
    if len(data) > _PIPE_ROOM:
        raise ValueError("configuration is too long for a pipe")
    readable, writable = os.pipe()
    os.write(writable, data)
    os.close(writable)
    os.dup2(readable, 0)
    os.close(readable)


def _enter(launch: dict[str, Any]) -> None:
    """Working directory, umask, and the user to be."""
    os.umask(launch.get("umask", 0o022))
    os.chdir(launch["cwd"])
    user = launch.get("user")
    if user and os.getuid() == 0:
        os.setgroups([user["gid"]])
        os.setgid(user["gid"])
        os.setuid(user["uid"])


def _become(argv: list[str], environment: dict[str, str]) -> NoReturn:
    try:
        os.execvpe(argv[0], argv, environment)
    except FileNotFoundError:
        missing = "its interpreter (first line)" if os.path.exists(argv[0]) else "no such program"  # noqa: PTH110
        _fail(f"cannot run {argv[0]}: {missing}", NOT_FOUND)
    except OSError as error:
        if error.errno == 8:  # ENOEXEC: a script without a first line
            os.execve("/bin/sh", ["/bin/sh", *argv], environment)
        _fail(f"cannot run {argv[0]}: {error.strerror}", CANNOT_RUN)


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"slipway: {message}\n")
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
