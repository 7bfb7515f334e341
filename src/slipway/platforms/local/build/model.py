"""What a build is, as data: the plan that is made by reading, and the artifact it ends in.

Paths that start with `/` are the container's; `build` keeps them below one folder, and
`layout` says where each is for a running instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from slipway.platforms.local.build.dockerfile.stages import Healthcheck
from slipway.support.data import Frozen

Kind = Literal["python", "node", "static", "command"]
PythonSource = Literal["requirements", "packages", "project", "uv", "poetry", "pipenv"]
NodeManager = Literal["npm", "yarn", "pnpm"]


class Put(Frozen, frozen=True, kw_only=True, tag=True):
    """COPY from the context: (source relative to it, container path) of every file."""

    files: tuple[tuple[str, str], ...]
    mode: int | None = None
    folder: str | None = None
    line: int = 0


class Write(Frozen, frozen=True, kw_only=True, tag=True):
    """COPY of a heredoc."""

    target: str
    text: str
    mode: int | None = None


class Bring(Frozen, frozen=True, kw_only=True, tag=True):
    """COPY --from: what an earlier stage (by its place in the plan) has there. `lenient`: that
    stage has lines that are not run here, so what is not there is left out, and said.
    """

    stage: int
    sources: tuple[str, ...]
    target: str
    lenient: bool = False
    line: int = 0


class Folder(Frozen, frozen=True, kw_only=True, tag=True):
    """A folder that must exist."""

    path: str


class VenvAt(Frozen, frozen=True, kw_only=True, tag=True):
    """Where the container has its virtual environment."""

    path: str


class InstallPython(Frozen, frozen=True, kw_only=True, tag=True):
    """Python dependencies. What the words mean depends on `source`:

    `requirements`: `files` and `constraints`; `packages`: `packages`; `project`: `files` are
    folders with a pyproject.toml or setup.py, `extras`; the rest: the lock file in `workdir`,
    `extras`, `groups`, and `project` if the project itself is installed too.
    `binds` are files a RUN sees besides the tree: container path -> path in the context.
    `variables` are the ENV and ARG that an installer looks at (registries, versions).
    """

    source: PythonSource
    workdir: str
    files: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    dev: bool = False
    project: bool = False
    options: tuple[str, ...] = ()
    binds: Mapping[str, str] = {}
    variables: Mapping[str, str] = {}
    line: int = 0


class InstallNode(Frozen, frozen=True, kw_only=True, tag=True):
    """Node packages of the manifest in `workdir`."""

    manager: NodeManager
    workdir: str
    production: bool = False
    arguments: tuple[str, ...] = ()
    binds: Mapping[str, str] = {}
    variables: Mapping[str, str] = {}
    line: int = 0


class Run(Frozen, frozen=True, kw_only=True, tag=True):
    """One build command, for a shell. `program` is its first word.

    `required`: it is an error that the program is not there; else the line is skipped, and said.
    """

    text: str
    program: str
    workdir: str
    variables: Mapping[str, str] = {}
    required: bool = True
    line: int = 0


Operation = Put | Write | Bring | Folder | VenvAt | InstallPython | InstallNode | Run


class StagePlan(Frozen, frozen=True, kw_only=True):
    """One stage: starts from stage `base` of the plan or empty, then `operations` in order."""

    name: str
    base: int | None = None
    operations: tuple[Operation, ...] = ()


class BuildPlan(Frozen, frozen=True, kw_only=True):
    """How one service's artifact is made. `id` is known before anything is built.

    `context` is absolute; `dockerfile` is what locations are called by ("" without one).
    `stages`: the last one is the artifact. `entrypoint` and `command` are the image's, None
    where it says nothing; `run` is the override's shell text. `environment` is ENV plus the
    override's. `owned` are the container paths that are the artifact's own. `wanted` is the
    language's version, such as "3.12". `mentions` are those of DEPLOY_VERSION, DEPLOY_RELEASE
    and DEPLOY_ENVIRONMENT that the sources name.
    """

    service: str
    kind: Kind
    id: str
    context: str
    dockerfile: str = ""
    stages: tuple[StagePlan, ...] = ()
    workdir: str = "/"
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    run: str | None = None
    environment: Mapping[str, str] = {}
    expose: tuple[int, ...] = ()
    healthcheck: Healthcheck | None = None
    owned: tuple[str, ...] = ()
    wanted: str | None = None
    notes: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()


class Built(Frozen, frozen=True, kw_only=True):
    """An artifact that is there. `folder` holds `tree/` (the container's files), perhaps
    `site/` (the project itself, installed) and `lock.txt` (exact Python dependencies).

    `venv` and `node` (of its programs) are folders outside or None; `python` is the version
    of `interpreter`.
    `modules` are the node_modules folders in the cache that `tree` links to.
    """

    id: str
    kind: Kind
    folder: str
    workdir: str = "/"
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    run: str | None = None
    environment: Mapping[str, str] = {}
    expose: tuple[int, ...] = ()
    owned: tuple[str, ...] = ()
    venv: str | None = None
    python: str | None = None
    interpreter: str | None = None
    node: str | None = None
    modules: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
