"""Real projects become artifacts that run, side by side, without Docker."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import uv

from slipway.app.model import Build, PlatformOverride, Service
from slipway.errors import BuildError, Location, StorageError
from slipway.platforms.local.build import (
    Built,
    build,
    load_built,
    materialise,
    plan_build,
    restore,
    start_command,
    working_directory,
)
from slipway.platforms.local.tools.uv import uv_environment

pytestmark = pytest.mark.local
CASES = Path(__file__).parents[1] / "cases" / "build"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all: that it is shared is part of what is tested."""
    return tmp_path_factory.mktemp("cache")


class Project:
    """A copy of a case, as one service."""

    def __init__(self, folder: Path, cache: Path, work: Path) -> None:
        self.folder, self.cache, self.work = folder, cache, work
        self.lines: list[str] = []

    def service(self, **values: Any) -> Service:
        build = values.pop("build", Build(context=str(self.folder)))
        return Service(name="web", role="web", build=build, **values)

    def make(self, **values: Any) -> Built:
        options = {k: values.pop(k) for k in ("reveal",) if k in values}
        plan = plan_build(self.service(**values), project=self.folder, cache=self.cache)
        root = self.work / "artifacts"
        making = partial(
            build, plan, root=root, cache=self.cache, on_line=self.lines.append, **options
        )
        anyio.run(making)
        made = load_built(root, plan.id)
        assert made is not None
        return made

    def run(self, made: Built, name: str, extra: Mapping[str, str] | None = None) -> str:
        """What the service prints, run in a working copy of its own."""
        layout = materialise(made, self.work / name)
        service = self.service()
        done = subprocess.run(
            start_command(made, service, layout),
            cwd=working_directory(service, layout),
            env={**layout.environment, **(extra or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def project(tmp_path: Path, cache: Path) -> Callable[[str], Project]:
    def copy(name: str) -> Project:
        folder = tmp_path / "project"
        shutil.copytree(CASES / name, folder)
        if name == "uv":
            lock = [uv.find_uv_bin(), "lock", "--quiet", "--project", str(folder)]
            subprocess.run(lock, check=True, env=uv_environment())
        return Project(folder, cache, tmp_path)

    return copy


def contents(folder: Path) -> dict[str, tuple[int, float]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.lstat().st_mtime)
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("multistage", "generated with iniconfig iniconfig []"),
        ("uv", "greetings, you iniconfig"),
        ("poetry", "poetry 2.0.0"),
        ("script", "served ['serve'] True"),
        ("node", "1m true production"),
    ],
)
def test_it_runs_and_its_project_is_not_touched(
    project: Callable[[str], Project], name: str, expected: str
) -> None:
    case = project(name)
    before = contents(case.folder)
    assert case.run(case.make(), "run").strip() == expected
    assert contents(case.folder) == before
    assert [path.name for path in (case.work / "artifacts").iterdir() if path.name[0] == "."] == []


def test_two_versions_run_side_by_side_and_the_old_one_comes_back(
    project: Callable[[str], Project],
) -> None:
    case = project("python")
    one = case.make()
    text = (case.folder / "app.py").read_text()
    (case.folder / "app.py").write_text(text + 'print("two")\n')
    (case.folder / "requirements.txt").write_text("iniconfig==2.1.0\n")
    two = case.make()
    assert one.venv != two.venv
    first, second = case.run(one, "run-1"), case.run(two, "run-2", {"DEPLOY_VERSION": "v2"})
    assert "made while building" in first
    assert first.endswith("version None\n")
    assert second.endswith("version v2\ntwo\n")
    assert case.run(one, "run-3").replace("run-3", "run-1") == first


def test_an_unchanged_build_runs_nothing(project: Callable[[str], Project]) -> None:
    case = project("python")
    first = case.make()
    case.lines.clear()
    assert case.make() == first
    assert case.lines == []


def test_a_change_of_code_installs_nothing_again(project: Callable[[str], Project]) -> None:
    case = project("python")
    first = case.make()
    (case.folder / "app.py").write_text("print('other')\n")
    case.lines.clear()
    second = case.make()
    assert second.venv == first.venv
    assert not [line for line in case.lines if "dependencies" in line]


def test_build_commands_of_a_manage_script(project: Callable[[str], Project]) -> None:
    case = project("django")
    made = case.make()
    tree = Path(made.folder) / "tree/usr/src/app"
    assert (tree / "static/app.css").read_text() == "body {}"
    assert (tree / "compiled.txt").exists()
    assert (tree / "media").is_dir()


def test_a_static_site_is_served(project: Callable[[str], Project]) -> None:
    case = project("static")
    made = case.make()
    argv = start_command(made, case.service(), materialise(made, case.work / "run"))
    folder = Path(argv[argv.index("--directory") + 1])
    assert (folder / "index.html").read_text() == "<h1>built</h1>"
    assert argv[-2:] == ("--port", "80")


def test_a_command_that_fails_is_named_with_its_line(project: Callable[[str], Project]) -> None:
    case = project("python")
    (case.folder / "make_data.py").write_text("print('said before')\nraise SystemExit(3)\n")
    with pytest.raises(BuildError) as caught:
        case.make()
    assert caught.value.message.endswith("(exit 3): python make_data.py")
    assert caught.value.location == Location("Dockerfile", 13)
    assert caught.value.details[-1] == "said before"
    assert list((case.work / "artifacts").iterdir()) == []


def test_a_requirement_that_does_not_exist(project: Callable[[str], Project]) -> None:
    case = project("python")
    (case.folder / "requirements.txt").write_text("iniconfig==0.0.0.999\n")
    before = set((case.cache / "venvs").glob("*")) if (case.cache / "venvs").exists() else set()
    with pytest.raises(BuildError, match="cannot be resolved") as caught:
        case.make()
    assert any("iniconfig" in line for line in caught.value.details)
    assert set((case.cache / "venvs").glob("*")) == before


def test_a_broken_off_environment_is_made_again(project: Callable[[str], Project]) -> None:
    case = project("python")
    made = case.make()
    assert made.venv is not None
    (Path(made.venv) / ".complete").unlink()
    shutil.rmtree(Path(made.venv) / "lib")
    root = case.work / "artifacts"
    assert load_built(root, made.id) is None
    restored = anyio.run(partial(restore, root, made.id, cache=case.cache))
    assert restored == made
    assert "iniconfig True" in case.run(made, "run")


def test_what_a_killed_build_left_is_removed_by_the_next(
    project: Callable[[str], Project],
) -> None:
    case = project("script")
    left = case.work / "artifacts" / ".0123-abc"
    at_work = case.work / "artifacts" / ".4567-abc"
    for folder in (left, at_work, case.cache / "locks"):
        folder.mkdir(parents=True, exist_ok=True)
    with (case.cache / "locks" / "artifact-4567.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        case.make()
    assert not left.exists()
    assert at_work.exists()


def test_a_project_that_is_not_there_is_named_with_its_line(
    project: Callable[[str], Project],
) -> None:
    case = project("script")
    dockerfile = case.folder / "Dockerfile"
    dockerfile.write_text(
        dockerfile.read_text().replace("RUN useradd", "RUN pip install . && useradd")
    )
    with pytest.raises(BuildError, match=r"neither a pyproject\.toml") as caught:
        case.make()
    assert caught.value.location == Location("Dockerfile", 5)


def test_two_at_once_make_one(project: Callable[[str], Project]) -> None:
    case = project("multistage")
    plan = plan_build(case.service(), project=case.folder)
    root = case.work / "artifacts"
    made: list[Path] = []

    async def one() -> None:
        made.append(await build(plan, root=root, cache=case.cache))

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)

    anyio.run(both)
    assert made == [root / plan.id, root / plan.id]
    assert [path.name for path in root.iterdir()] == [plan.id]


def test_a_cancelled_build_leaves_nothing(project: Callable[[str], Project]) -> None:
    case = project("python")
    (case.folder / "make_data.py").write_text(
        "print('now', flush=True)\nimport time\ntime.sleep(600)\n"
    )
    plan = plan_build(case.service(), project=case.folder)
    root = case.work / "artifacts"

    async def cut_off() -> bool:
        with anyio.CancelScope() as scope:
            await build(
                plan,
                root=root,
                cache=case.cache,
                on_line=lambda line: scope.cancel() if line == "now" else None,
            )
        return scope.cancelled_caught

    assert anyio.run(cut_off)
    assert list(root.iterdir()) == []


def test_a_build_argument_that_is_a_secret_is_never_shown(
    project: Callable[[str], Project],
) -> None:
    case = project("python")
    dockerfile = case.folder / "Dockerfile"
    text = dockerfile.read_text().replace("COPY . .", "COPY . .\nARG TOKEN")
    dockerfile.write_text(text)
    (case.folder / "make_data.py").write_text(
        "import os\nprint(os.environ['TOKEN'])\nraise SystemExit(os.environ['TOKEN'] != 'x')\n"
    )
    build = Build(context=str(case.folder), args={"TOKEN": "«secret:token»"})
    with pytest.raises(BuildError) as caught:
        case.make(build=build, reveal=lambda text: text.replace("«secret:token»", "sesame"))
    assert "***" in case.lines
    assert "sesame" not in "".join([*case.lines, *caught.value.details, caught.value.message])


@pytest.mark.parametrize(
    "start",
    [
        ["/sbin/tini", "-g", "--", "python", "app.py", "--", "data/made.txt"],
        ["dumb-init", "python", "app.py", "--", "data/made.txt"],
        ["gosu", "nobody", "python", "app.py", "--", "data/made.txt"],
        ["poetry", "run", "python", "app.py", "--", "data/made.txt"],
        ["uv", "run", "--no-sync", "app.py", "--", "data/made.txt"],
        ["sh", "-c", "exec uv run -- python app.py -- data/made.txt"],
    ],
    ids=lambda start: start[0],
)
def test_what_only_starts_another_program(
    project: Callable[[str], Project], start: list[str]
) -> None:
    case = project("python")
    dockerfile = case.folder / "Dockerfile"
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("CMD")]
    dockerfile.write_text("\n".join([*lines, f"ENTRYPOINT {json.dumps(start)}", ""]))
    assert "made while building" in case.run(case.make(), "run")


def test_scripts_of_another_package_manager(project: Callable[[str], Project]) -> None:
    case = project("node")
    dockerfile = case.folder / "Dockerfile"
    text = dockerfile.read_text().replace("npm run build", "yarn build")
    dockerfile.write_text(text.replace('["node", "dist/server.js"]', "pnpm run start"))
    (case.work / "home").mkdir()
    said = case.run(case.make(), "run", {"HOME": str(case.work / "home")})
    assert said.splitlines()[-1] == "1m true production"


def test_what_a_stage_did_not_make_is_said(project: Callable[[str], Project]) -> None:
    case = project("python")
    dockerfile = case.folder / "Dockerfile"
    dockerfile.write_text(
        "FROM golang:1.22 AS tool\nRUN go build -o /tool\n"
        + dockerfile.read_text().replace("COPY . .", "COPY . .\nCOPY --from=tool /tool /bin/tool")
    )
    made = case.make()
    assert "Dockerfile:15: not copied, because not made here: /tool" in made.notes


def test_an_override_without_any_language(project: Callable[[str], Project]) -> None:
    case = project("static")
    override = PlatformOverride(build=("echo made > made.txt",), run="cat made.txt")
    (case.folder / "Dockerfile").write_text("FROM golang:1.22\n")
    assert case.run(case.make(overrides={"local": override}), "run") == "made\n"


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """For root, whom no mode stops, by mounting the folder read-only over itself."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)
        return
    over = subprocess.run(["mount", "--bind", folder, folder], capture_output=True)
    if over.returncode != 0:
        pytest.skip("a folder cannot be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_folder_that_cannot_be_written(project: Callable[[str], Project]) -> None:
    case = project("python")
    with read_only(case.work), pytest.raises(StorageError):
        case.make()


def test_the_examples_build(tmp_path: Path, cache: Path) -> None:
    examples = Path(__file__).parents[2] / "examples"
    contexts = sorted(path.parent for path in examples.glob("**/Dockerfile"))
    assert contexts
    for context in contexts:
        case = Project(context, cache, tmp_path)
        before = contents(context)
        assert case.make().venv
        assert contents(context) == before
