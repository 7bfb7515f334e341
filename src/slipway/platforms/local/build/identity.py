"""An artifact's id: a hash of all that decides what it will be, and of nothing else.

Only the files that the build copies count, so a change elsewhere in a shared context does not
make another artifact; nor do comments in a Dockerfile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from slipway.platforms.local.build.context import Context, Digests, mentions_in, names_of
from slipway.platforms.local.build.model import (
    BuildPlan,
    Folder,
    InstallNode,
    InstallPython,
    Put,
    StagePlan,
    VenvAt,
    Write,
)

_FORMAT = "3"  # raise it when artifacts made by older versions must not be used again


def identified(draft: BuildPlan, context: Context, digests: Digests) -> BuildPlan:
    """With its content's hash, and what its sources mention."""
    hashed = hashlib.blake2b(digest_size=16)
    hashed.update(_FORMAT.encode())
    shape = msgspec.structs.replace(
        draft,
        service="",
        context="",
        dockerfile="",
        notes=(),
        stages=tuple(_without_lines(stage) for stage in draft.stages),
    )
    hashed.update(msgspec.json.encode(shape, order="sorted"))
    used = dict.fromkeys(_sources_of(draft.stages, context))
    bits = [mentions_in(msgspec.json.encode(shape))]
    for path in used:
        file = context.files[path]
        digest = digests.of(path, file)
        bits.append(digest.mentions)
        hashed.update(f"{path}\0{file.executable:d}{file.link is not None:d}\0".encode())
        hashed.update(digest.digest.encode())
    return msgspec.structs.replace(draft, id=hashed.hexdigest(), mentions=names_of(bits))


def _sources_of(stages: tuple[StagePlan, ...], context: Context) -> Iterable[str]:
    for stage in stages:
        for operation in stage.operations:
            if isinstance(operation, Put):
                yield from (source for source, _ in operation.files)
            elif isinstance(operation, InstallPython | InstallNode):
                yield from _bound(operation.binds, context)


def _bound(binds: Mapping[str, str], context: Context) -> Iterable[str]:
    for source in binds.values():
        for file in context.files:
            if source == "." or file == source or file.startswith(f"{source}/"):
                yield file


def _without_lines(stage: StagePlan) -> StagePlan:
    """Where something is written decides nothing."""
    operations = tuple(
        operation
        if isinstance(operation, Folder | Write | VenvAt)
        else msgspec.structs.replace(operation, line=0)
        for operation in stage.operations
    )
    return StagePlan(name=stage.name, base=stage.base, operations=operations)
