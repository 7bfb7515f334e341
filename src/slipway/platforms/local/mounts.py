"""What a service mounts, as real files: volumes, binds, secrets and configs.

A mount is a link in the instance's own copy of the container's files, and an entry in the
map of paths that the launcher rewrites in the environment and the command.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.app.model import FileMount, Mount, Service
from slipway.errors import PlatformError
from slipway.platforms.local.launchfile import FileData
from slipway.platforms.local.layout import Layout
from slipway.support.files import storage_errors
from slipway.support.secrets.placeholder import placeholder


@dataclass(frozen=True, slots=True)
class Mounted:
    """`paths`: container path -> real one. `files` are made by the launcher."""

    paths: dict[str, str] = field(default_factory=dict)
    files: list[FileData] = field(default_factory=list)


def volume_folder(layout: Layout, mount: Mount, instance: Path) -> Path:
    """Where a mount's files really are."""
    if mount.kind == "bind" and mount.source:
        return Path(mount.source)
    if mount.kind == "volume" and mount.source:
        return layout.volumes / mount.source
    plain = mount.target.strip("/").replace("/", "-")
    if mount.kind == "volume":  # an anonymous one lives as long as its instance
        return instance / "anonymous" / plain
    return instance / "tmpfs" / plain


def unnamed(service: Service, workdir: str, words: Iterable[str]) -> tuple[str, ...]:
    """Container paths of mounts that only the code could name: no word that the service is
    started with (variables' values, commands) does, and they are not below its `workdir`.

    Such a path is elsewhere here, and nothing would tell the program where.
    """
    words = tuple(words)
    real = {mount.target: mount.source for mount in service.mounts if mount.kind == "bind"}
    targets = [m.target.rstrip("/") for m in service.mounts if m.kind != "tmpfs"]
    targets += [file.target for file in service.files]
    return tuple(
        target
        for target in targets
        if target
        and real.get(target) != target
        and not covers(target, workdir)
        and not target.startswith(f"{workdir.rstrip('/')}/")
        and not any(target in word for word in words)
    )


def mount_all(layout: Layout, service: Service, instance: Path) -> Mounted:
    """Make every folder that is missing. Raises PlatformError for a bind that is not there."""
    result = Mounted()
    for mount in service.mounts:
        real = volume_folder(layout, mount, instance)
        if mount.kind != "bind":
            with storage_errors(real):
                real.mkdir(parents=True, exist_ok=True)
        elif not real.exists():
            _make_bind(service, mount, real)
        result.paths[mount.target.rstrip("/") or "/"] = str(real)
    runtime = layout.runtime() / instance.name
    for file in service.files:
        data, real_path = file_mount(file, runtime)
        result.paths[file.target] = real_path
        if data is not None:
            result.files.append(data)
    return result


def file_mount(file: FileMount, runtime: Path) -> tuple[FileData | None, str]:
    """A `secrets:` or `configs:` entry: what the launcher writes, and where it is."""
    if file.file is not None:
        return None, file.file
    path = str(runtime / file.target.strip("/").replace("/", "-"))
    content = placeholder(file.secret) if file.secret is not None else file.content or ""
    mode = file.mode if file.mode is not None else 0o400
    return FileData(path=path, content=content, mode=mode), path


def link_into(tree: Path, paths: Mapping[str, str]) -> None:
    """Make the mounts visible below `tree`, where the container's files are.

    So a program that opens a relative path finds them as well. What the tree had there goes:
    a mount hides it.
    """
    for target, real in sorted(paths.items()):
        place = tree / target.lstrip("/")
        if place == tree or _is_inside(place, tree) is False:
            continue
        with storage_errors(place):
            _remove(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(real)


def _is_inside(place: Path, tree: Path) -> bool:
    """False if a link on the way leads out of the tree: nothing is made in a mount."""
    return tree.resolve() in place.parent.resolve().parents or (
        place.parent.resolve() == tree.resolve()
    )


def _remove(place: Path) -> None:
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)


def _make_bind(service: Service, mount: Mount, real: Path) -> None:
    """As Compose does: a missing folder is made; where it cannot be, it is an error."""
    try:
        real.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlatformError(
            f"{service.name}: {real}, mounted at {mount.target}, is missing: {error.strerror}",
            hint=f"make it: mkdir -p {real}",
        ) from error


def covers(target: str, workdir: str) -> bool:
    """A mount over the code itself (`.:/app`) is for development in a container: the instance
    keeps the snapshot that its release was made from.
    """
    return target == "/" or workdir == target or workdir.startswith(f"{target.rstrip('/')}/")
