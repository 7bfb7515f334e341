"""What somebody changed by hand of what this platform wrote: launch files, the proxy's files, and
what the proxy does. Reads files and what the proxy said; quick enough for every `status`.

A file is compared with the copy that was kept when it was written, so that a newer version of
this program, which would write it otherwise, is not taken for somebody's hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.plan.observed import Deviation
from slipway.platforms.local import launchfile
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.proxy import api, config, manage
from slipway.platforms.local.proxy.state import ProxyState, Target
from slipway.platforms.local.runtime import Runtime

_FEW = 2


def deviations(
    runtime: Runtime,
    found: Sequence[LaunchFile],
    known: ProxyState,
    seen: Mapping[str, Mapping[str, Any]] | None,
) -> tuple[Deviation, ...]:
    """`found`: every instance's launch file; `known`: what the proxy was told; `seen`: what it
    does (`api.overview`), None if it does not run.
    """
    result = [*_instances(found), *_proxy_files(runtime.layout.proxy)]
    if seen is not None:
        result += _routes(runtime, found, known, seen)
    return tuple(result)


def _instances(found: Iterable[LaunchFile]) -> Iterator[Deviation]:
    for launch in found:
        changed = launchfile.edited(Path(launch.folder))
        if changed:
            which = f" of instance {launch.index}" if launch.key else ""
            yield Deviation(
                kind="instance",
                subject=launch.service,
                what=f"the launch file{which} was changed: {', '.join(changed)}",
                key=launch.key,
                index=launch.index,
            )


def _proxy_files(folder: Path) -> Iterator[Deviation]:
    if not (folder / f"{manage.STATIC}.written").exists():
        return
    changed = launchfile.edited(folder)
    if changed:
        yield _of_proxy("proxy", f"its launch file was changed: {', '.join(changed)}")
    if _differs(folder, manage.STATIC):
        yield _of_proxy("proxy", f"its file {manage.STATIC} was changed")
    dynamic = folder / manage.DYNAMIC
    if not dynamic.parent.is_dir():
        yield _of_proxy("proxy", f"its folder {dynamic.parent.name} is gone")
    elif _differs(folder, manage.DYNAMIC):
        yield _of_proxy("route", f"its file {manage.DYNAMIC} was changed")


def _differs(folder: Path, name: str) -> bool:
    """A file and the copy of it as it was written; one without a copy is not known."""
    path = folder / name
    try:
        written = (folder / f"{path.name}.written").read_bytes()
    except OSError:
        return False
    try:
        return path.read_bytes() != written
    except OSError:
        return True


def _routes(
    runtime: Runtime,
    found: Sequence[LaunchFile],
    known: ProxyState,
    seen: Mapping[str, Mapping[str, Any]],
) -> Iterator[Deviation]:
    lines = api.differences(config.dynamic(known), seen)
    if lines:
        more = f", and {len(lines) - _FEW} more" if len(lines) > _FEW else ""
        yield _of_proxy(
            "route", f"it does not do what it was told: {', '.join(lines[:_FEW])}{more}"
        )
    serving = [t for n, w in known.weights.items() if w for t in known.releases.get(n, ())]
    for target in serving:
        yield from _servers(runtime, found, target)


def _servers(runtime: Runtime, found: Sequence[LaunchFile], target: Target) -> Iterator[Deviation]:
    """A route leads to all instances of its set, and to nothing else."""
    instances = [i for i in found if (i.service, i.key) == (target.service, target.key)]
    allocated = [a for i in instances if (a := runtime.book.get(i.name)) is not None]
    addresses = [{f"{a.address}:{port}" for port in a.ports.values()} for a in allocated]
    for server in target.servers:
        if not any(server in known for known in addresses):
            yield _of_proxy("route", f"{target.name} leads to {server}, where no instance is")
    if any(not known & set(target.servers) for known in addresses):
        yield _of_proxy("route", f"not all instances of {target.service} get requests")


def _of_proxy(kind: Any, what: str) -> Deviation:
    return Deviation(kind=kind, subject=manage.NAME, what=what)
