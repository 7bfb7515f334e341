"""What a service's build would be: reads files, changes nothing but its own notes on digests."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from slipway.app.model import PlatformOverride, Service
from slipway.errors import ConfigError, Location, RefusedError, StorageError
from slipway.platforms.local.build.context import Context, Digests, list_context
from slipway.platforms.local.build.dockerfile import (
    Stage,
    chain_of,
    read_instructions,
    read_stages,
)
from slipway.platforms.local.build.emulate import Emulation
from slipway.platforms.local.build.identity import identified
from slipway.platforms.local.build.ignore import read_ignore
from slipway.platforms.local.build.images import default_entrypoint, language_of
from slipway.platforms.local.build.manifest import APP, read_manifest
from slipway.platforms.local.build.model import BuildPlan, Put, Run, StagePlan
from slipway.platforms.local.build.paths import owned_paths

_LANGUAGES = ("python", "node")
_INSTALL = re.compile(
    r"^(?:(?:(?:pip3?|python3? -m pip|npm|yarn|pnpm) (?:install|ci|i)\b|yarn(?= &&))[^&;|]*&&\s*)+"
)


class _Source:
    """What is known of a service's files while its plan is made."""

    def __init__(self, service: Service, project: Path) -> None:
        build = service.build
        self.service = service
        self.override = service.overrides.get("local", PlatformOverride())
        self.folder = Path(build.context) if build is not None else project
        self.dockerfile: Path | None = None
        self.inline = build.dockerfile_inline if build is not None else None
        if build is not None and self.inline is None:
            candidate = self.folder / build.dockerfile
            self.dockerfile = candidate if candidate.is_file() else None
        self.name = self._name(project)
        origin = service.origin
        self.location = Location(origin.file, origin.line) if origin is not None else None

    def _name(self, project: Path) -> str:
        if self.inline is not None:
            return "dockerfile_inline"
        if self.dockerfile is None:
            return ""
        try:
            return self.dockerfile.resolve().relative_to(project.resolve()).as_posix()
        except ValueError:
            return str(self.dockerfile)

    def text(self) -> str | None:
        if self.inline is not None:
            return self.inline
        if self.dockerfile is None:
            return None
        try:
            return self.dockerfile.read_text(errors="replace")
        except OSError as error:
            raise StorageError(f"cannot read {self.name}: {error.strerror}") from error


def plan_build(service: Service, *, project: Path, cache: Path | None = None) -> BuildPlan:
    """The build of one service. `project` is the app's folder; `cache` keeps file digests
    between calls (unwritable is fine).

    Raises RefusedError where this service cannot run locally, naming what to add, and
    ConfigError where its Dockerfile is wrong.
    """
    source = _Source(service, project)
    if service.build is None and source.override.run is None:
        raise _refused(source, f"{service.name} is the image {service.image}, and not built here")
    if not source.folder.is_dir():
        raise ConfigError(
            f"the build context of {service.name} is not a folder: {source.folder}",
            location=source.location,
        )
    context = list_context(source.folder, read_ignore(source.folder, source.dockerfile))
    text = source.text() if service.build is not None else None
    draft = _draft(source, context, text)
    digests = Digests(cache, source.folder)
    plan = identified(draft, context, digests)
    digests.save()
    return plan


def _draft(source: _Source, context: Context, text: str | None) -> BuildPlan:
    """Everything but id and mentions."""
    if text is None:
        draft = _from_manifest(source, context)
    else:
        draft = _from_dockerfile(source, context, text)
    draft = _overridden(draft, source.override)
    if start_of(draft, source.service) == ():
        raise _refused(source, f"nothing says how to start {source.service.name}")
    return msgspec.structs.replace(
        draft,
        notes=(*draft.notes, *(f"not copied: {path}" for path in context.skipped)),
    )


def _from_manifest(source: _Source, context: Context) -> BuildPlan:
    manifest = read_manifest(source.folder, context.files)
    if manifest.kind is None and source.override.run is None:
        raise _refused(source, f"{source.service.name} has neither a Dockerfile nor a manifest")
    put = Put(files=tuple((file, posixpath.join(APP, file)) for file in context.files), folder=APP)
    return BuildPlan(
        service=source.service.name,
        kind=manifest.kind or "command",
        id="",
        context=str(source.folder),
        stages=(StagePlan(name="", operations=(put, *manifest.operations)),),
        workdir=APP,
        command=manifest.command,
        owned=(APP,),
        wanted=manifest.wanted,
    )


def _from_dockerfile(source: _Source, context: Context, text: str) -> BuildPlan:
    build = source.service.build
    arguments = build.args if build is not None else {}
    target = build.target if build is not None else None
    instructions = read_instructions(text, source.name)
    chain = chain_of(read_stages(instructions, arguments, source.name), target, source.name)
    final = chain[-1]
    emulation = Emulation(chain, context.files, source.name)
    stages = emulation.read()
    entrypoint = default_entrypoint(final.image, final)
    language = language_of(final.image, stages, (*(entrypoint or ()), *(final.command or ())))
    if language.kind is None and source.override.run is None:
        raise _refused(
            source,
            f"{source.service.name} is built from {final.image}, which is neither Python nor Node",
            Location(source.name, final.line),
        )
    if language.kind == "python" and (language.version or "3")[0] == "2":
        raise _refused(
            source,
            f"{source.service.name} is built from {final.image}, and Python 2 is not run here",
            Location(source.name, final.line),
        )
    if language.kind is None:
        return msgspec.structs.replace(
            _from_manifest(source, context), dockerfile=source.name, kind="command"
        )
    if language.kind == "static":
        _check_static(source, final, stages)
    return BuildPlan(
        service=source.service.name,
        kind=language.kind,
        id="",
        context=str(source.folder),
        dockerfile=source.name,
        stages=stages,
        workdir=final.workdir,
        entrypoint=entrypoint,
        command=final.command,
        environment=final.environment,
        expose=final.expose,
        healthcheck=final.healthcheck,
        owned=_owned(chain, emulation.paths),
        wanted=language.version,
        notes=tuple(emulation.notes),
    )


def _owned(chain: Iterable[Stage], paths: Iterable[str]) -> tuple[str, ...]:
    return owned_paths([*paths, *(stage.workdir for stage in chain)])


def _check_static(source: _Source, final: Stage, stages: tuple[StagePlan, ...]) -> None:
    """A web server's image is plain files here; one that passes requests on is more."""
    for operation in stages[-1].operations:
        if not isinstance(operation, Put) or source.override.run is not None:
            continue
        for file, target in operation.files:
            if not target.startswith(("/etc/nginx", "/etc/caddy", "/usr/local/apache2/conf")):
                continue
            text = (source.folder / file).read_text(errors="replace")
            if re.search(r"^\s*(proxy_pass|reverse_proxy|fastcgi_pass|ProxyPass)\b", text, re.M):
                raise _refused(
                    source,
                    f"{source.service.name} passes requests on ({file}); "
                    f"{final.image} is not on this machine",
                    Location(source.name, operation.line),
                )


def _overridden(draft: BuildPlan, override: PlatformOverride) -> BuildPlan:
    stages = draft.stages
    workdir = draft.workdir
    if override.working_dir is not None:
        workdir = posixpath.normpath(posixpath.join(draft.workdir, override.working_dir))
    if override.build:
        runs = tuple(
            Run(text=text, program=text.split(None, 1)[0], workdir=draft.workdir)
            for text in override.build
            if text.strip()
        )
        last = stages[-1]
        kept = tuple(o for o in last.operations if not isinstance(o, Run))
        stages = (*stages[:-1], StagePlan(name=last.name, base=last.base, operations=kept + runs))
    return msgspec.structs.replace(
        draft,
        stages=stages,
        workdir=workdir,
        run=override.run,
        environment={**draft.environment, **override.environment},
    )


def start_of(plan: BuildPlan, service: Service) -> tuple[str, ...]:
    """The start command in container paths, as Compose combines it with the image's; () if
    nothing says. An override's `run` wins over all.
    """
    return combined_start(plan.kind, plan.run, plan.entrypoint, plan.command, service)


def combined_start(
    kind: str,
    run: str | None,
    entrypoint: tuple[str, ...] | None,
    command: tuple[str, ...] | None,
    service: Service,
) -> tuple[str, ...]:
    """See `start_of`."""
    if run is not None:
        return ("/bin/sh", "-c", run)
    if service.entrypoint is not None:
        return (*service.entrypoint, *(service.command or ()))
    if service.command is not None:
        return (*(entrypoint or ()), *service.command)
    if kind == "static":
        return ("slipway-static",)
    if entrypoint is not None and entrypoint[:2] == ("/bin/sh", "-c"):
        return entrypoint
    return (*(entrypoint or ()), *(command or ()))


def _refused(source: _Source, message: str, location: Location | None = None) -> RefusedError:
    return RefusedError(
        f"{message}: the local platform cannot run it by itself",
        location=location or source.location,
        hint=_way_out(source.service),
    )


def _without_installs(command: Sequence[str]) -> str:
    """A start command in one line, without the installs that a build does beforehand."""
    in_shell = len(command) == 3 and command[1] == "-c" and command[0].endswith("sh")
    return _INSTALL.sub("", command[2] if in_shell else shlex.join(command))


def _way_out(service: Service) -> str:
    """What to write. A language's image is run on the project's own code, as mounted into it."""
    if service.build is None and language_of(service.image or "", (), ()).kind in _LANGUAGES:
        run = json.dumps(_without_installs(service.command or ()) or "COMMAND")
        return (
            f"add to {service.name}: x-deploy: {{local: {{run: {run}}}}} (the project's folder is"
            " its code, and what its manifest needs is installed before), or `build:` it"
        )
    return (
        f"add to {service.name}: x-deploy: {{local: {{build: [COMMAND, ...], run: COMMAND}}}} "
        "(or skip: true), or choose another platform with --platform"
    )
