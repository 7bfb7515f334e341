"""An instance's own copy of its artifact: what runs there, where, and with which variables.

The one place where the run time meets `build`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import PlatformError
from slipway.plan.release import ReleaseService
from slipway.platforms.local import build
from slipway.platforms.local.mounts import covers, link_into
from slipway.platforms.local.runtime import Runtime
from slipway.support.files import make_folder

TREE = "tree"
TEMPORARY = "tmp"
_FROM_HERE = ("HOME", "TZ")


@dataclass(frozen=True, slots=True)
class Body:
    """`argv` and `environment` may hold placeholders and container names; `paths` maps the
    container's folders, mounts included, to real ones. `fixed` variables stay as they are.
    """

    argv: tuple[str, ...]
    cwd: str
    environment: Mapping[str, str]
    paths: Mapping[str, str]
    fixed: Mapping[str, str]


async def ensure_artifact(runtime: Runtime, entry: ReleaseService) -> None:
    """Make sure that a service's artifact is there, its dependencies included.

    Raises PlatformError if it cannot come back without a build.
    """
    artifact = entry.artifact
    if artifact is None:
        raise PlatformError(f"{entry.service.name} has no artifact to run")
    found = await build.restore(runtime.layout.artifacts, artifact.id, cache=runtime.context.cache)
    if found is None:
        raise PlatformError(
            f"the artifact {artifact.id} of {entry.service.name} is gone",
            hint="run `deploy upgrade`: it builds it again from the project",
        )


def make_body(
    runtime: Runtime, entry: ReleaseService, folder: Path, mounts: Mapping[str, str]
) -> Body:
    """Copy the artifact into `folder` and link the mounts into it. Blocking.

    Raises PlatformError, StorageError.
    """
    artifact = entry.artifact
    built = build.load_built(runtime.layout.artifacts, artifact.id) if artifact else None
    if built is None:
        raise PlatformError(f"the artifact of {entry.service.name} is gone")
    layout = build.materialise(built, folder / TREE)
    seen = {t: real for t, real in mounts.items() if not covers(t, built.workdir)}
    link_into(Path(layout.folder), seen)
    here = {name: os.environ[name] for name in _FROM_HERE if name in os.environ}
    own_temporary = folder / TEMPORARY  # as in a container: two instances do not share /tmp
    make_folder(own_temporary)
    here["TMPDIR"] = str(own_temporary)
    return Body(
        argv=build.start_command(built, entry.service, layout),
        cwd=build.working_directory(entry.service, layout),
        environment={**here, **layout.environment},
        paths={**layout.paths, built.workdir: layout.workdir, **seen},
        fixed={},
    )
