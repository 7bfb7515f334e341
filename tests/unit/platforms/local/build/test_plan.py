"""Plans of builds: what makes another artifact and what does not, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from slipway.app.model import Build, Origin, PlatformOverride, Service
from slipway.errors import ConfigError, Location, RefusedError
from slipway.platforms.local.build import BuildPlan, plan_build
from slipway.platforms.local.build.model import Bring, InstallNode, InstallPython, Put, Run

CASES = Path(__file__).parents[4] / "cases" / "build"


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a case's project."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(CASES / name, tmp_path / name))

    return copy


def service(folder: Path, **values: object) -> Service:
    return msgspec.structs.replace(
        Service(name="web", role="web", build=Build(context=str(folder))), **values
    )


def plan(folder: Path, **values: object) -> BuildPlan:
    return plan_build(service(folder, **values), project=folder)


def kinds(plan: BuildPlan) -> list[list[str]]:
    return [[type(o).__name__ for o in stage.operations] for stage in plan.stages]


def test_a_python_service(project: Callable[[str], Path]) -> None:
    made = plan(project("python"))
    assert (made.kind, made.wanted, made.workdir) == ("python", "3.12", "/app")
    assert made.expose == (8000,)
    assert made.owned == ("/app", "/var/lib/thing")
    assert made.mentions == ("DEPLOY_VERSION",)
    assert made.notes == ("Dockerfile:7: not run on this machine: apt-get update (and 1 more)",)
    assert made.environment == {"PYTHONDONTWRITEBYTECODE": "1", "GREETING": "hello from /app"}
    copied = [o for o in made.stages[-1].operations if isinstance(o, Put)][-1]
    names = {source for source, _ in copied.files}
    assert "secret/public.txt" in names
    assert not names & {"secret/private.txt", "README.md"}


def test_stages(project: Callable[[str], Path]) -> None:
    made = plan(project("multistage"))
    assert kinds(made) == [
        ["VenvAt", "Folder", "Put", "InstallPython", "Put", "Run"],
        ["Bring", "Folder", "Bring", "Put"],
    ]
    last = made.stages[1].operations[2]
    assert isinstance(last, Bring)
    assert (last.stage, last.sources, last.target) == (0, ("/src/generated.txt",), "/srv/app/")


def test_node(project: Callable[[str], Path]) -> None:
    made = plan(project("node"))
    assert (made.kind, made.wanted) == ("node", "20")
    installs = [o for s in made.stages for o in s.operations if isinstance(o, InstallNode)]
    assert [install.production for install in installs] == [False, True]


def test_the_same_files_are_the_same_artifact(project: Callable[[str], Path]) -> None:
    folder = project("python")
    moved = Path(shutil.copytree(folder, folder.parent / "moved"))
    assert plan(folder).id == plan(moved, name="other").id


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "app.py").write_text("print()"),
        lambda folder: (folder / "app.py").chmod(0o755),
        lambda folder: (folder / "new.py").write_text(""),
        lambda folder: (folder / "make_data.py").rename(folder / "make.py"),
        lambda folder: (folder / "requirements.txt").write_text("iniconfig==2.1.0\n"),
        lambda folder: _edit(folder / "Dockerfile", "EXPOSE 8000", "EXPOSE 8001"),
        lambda folder: _edit(folder / "Dockerfile", "ARG PYTHON=3.12", "ARG PYTHON=3.13"),
    ],
)
def test_another_artifact(project: Callable[[str], Path], change: Callable[[Path], object]) -> None:
    folder = project("python")
    before = plan(folder).id
    change(folder)
    assert plan(folder).id != before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "secret" / "private.txt").write_text("changed"),
        lambda folder: (folder / "other.md").write_text("left out"),
        lambda folder: (folder / "app.py").touch(),
        lambda folder: (folder / "app.pyc").write_text("made by running"),
    ],
)
def test_no_other_artifact(
    project: Callable[[str], Path], change: Callable[[Path], object]
) -> None:
    folder = project("python")
    before = plan(folder).id
    change(folder)
    assert plan(folder).id == before


def test_a_file_that_is_not_copied_decides_nothing(project: Callable[[str], Path]) -> None:
    folder = project("multistage")
    before = plan(folder).id
    (folder / "elsewhere.py").write_text("of another service")
    _edit(folder / "Dockerfile", "FROM python:3.12-slim", "# a comment\nFROM python:3.12-slim")
    assert plan(folder).id == before


def test_build_arguments_decide(project: Callable[[str], Path]) -> None:
    folder = project("python")
    build = Build(context=str(folder), args={"PYTHON": "3.11"})
    assert plan(folder, build=build).wanted == "3.11"
    assert plan(folder, build=build).id != plan(folder).id


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_an_image_alone_is_refused_with_what_to_add(tmp_path: Path) -> None:
    origin = Origin(file="compose.yaml", line=7)
    web = Service(name="web", role="web", image="ghcr.io/a/b:1", origin=origin)
    with pytest.raises(RefusedError) as caught:
        plan_build(web, project=tmp_path)
    assert caught.value.location == Location("compose.yaml", 7)
    assert "ghcr.io/a/b:1" in caught.value.message
    assert "x-deploy: {local:" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("image", "command", "run"),
    [
        ("python:3.12", ("gunicorn", "-b", ":8000", "app:app"), "gunicorn -b :8000 app:app"),
        (
            "python:3.12",
            ("sh", "-c", "pip install -r requirements.txt && python -m app"),
            "python -m app",
        ),
        ("node:20-alpine", ("sh", "-c", "npm ci && npm run build && npm start"),
         "npm run build && npm start"),
        ("node:20", None, "COMMAND"),
    ],
)  # fmt: skip
def test_a_languages_image_says_what_to_run_and_that_runs(
    image: str, command: tuple[str, ...] | None, run: str, tmp_path: Path
) -> None:
    """`image: python` with the code mounted into it, as people have it for development."""
    alone = Service(name="web", role="web", image=image, command=command)
    with pytest.raises(RefusedError) as caught:
        plan_build(alone, project=tmp_path)
    assert f"x-deploy: {{local: {{run: {json.dumps(run)}}}}}" in (caught.value.hint or "")
    told = msgspec.structs.replace(alone, overrides={"local": PlatformOverride(run=run)})
    assert plan_build(told, project=tmp_path).run == run


def test_another_language_is_refused_at_its_from(tmp_path: Path) -> None:
    write(tmp_path, Dockerfile='# go\nFROM golang:1.22\nCOPY . .\nCMD ["./x"]\n')
    with pytest.raises(RefusedError) as caught:
        plan(tmp_path)
    assert caught.value.location == Location("Dockerfile", 2)
    assert "golang:1.22" in caught.value.message


def test_no_start_command_is_refused(tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM python:3.12\nCOPY . /app\n")
    with pytest.raises(RefusedError, match="nothing says how to start web"):
        plan(tmp_path)
    assert plan(tmp_path, command=("python", "x.py")).kind == "python"


def test_a_proxy_in_nginx_is_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        Dockerfile="FROM nginx\nCOPY site.conf /etc/nginx/conf.d/default.conf\n",
        site__conf="server {\n  location /api {\n    proxy_pass http://api:8000;\n  }\n}\n",
    )
    with pytest.raises(RefusedError, match="passes requests on"):
        plan(tmp_path)


def test_a_missing_source_of_a_copy(tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM python:3.12\nCOPY nope.txt /app/\nCMD x\n")
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path)
    assert caught.value.location == Location("Dockerfile", 2)


def test_a_missing_context(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a folder"):
        plan(tmp_path / "nope")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("COPY a.py /x", {"a.py": "/x"}),
        ("COPY a.py /x/", {"a.py": "/x/a.py"}),
        ("COPY a.py .", {"a.py": "/w/a.py"}),
        ("COPY a.py /w", {"a.py": "/w/a.py"}),
        ("COPY a.py b.txt dest", {"a.py": "/w/dest/a.py", "b.txt": "/w/dest/b.txt"}),
        ('COPY ["a.py", "/with space/"]', {"a.py": "/with space/a.py"}),
        ("COPY d /x", {"d/e.py": "/x/e.py", "d/f/g.txt": "/x/f/g.txt"}),
        ("COPY d/ ./", {"d/e.py": "/w/e.py", "d/f/g.txt": "/w/f/g.txt"}),
        ("COPY *.py /x/", {"a.py": "/x/a.py"}),
        ("COPY d/*.py /x/", {"d/e.py": "/x/e.py"}),
        ("COPY ?.txt nope*.lock ./", {"b.txt": "/w/b.txt"}),
        ("COPY d/f /d", {"d/f/g.txt": "/d/g.txt"}),
        ("ADD --chown=1:1 a.py /x/", {"a.py": "/x/a.py"}),
    ],
)
def test_where_copies_go(tmp_path: Path, line: str, expected: dict[str, str]) -> None:
    (tmp_path / "d" / "f").mkdir(parents=True)
    for name in ("a.py", "b.txt", "d/e.py", "d/f/g.txt"):
        (tmp_path / name).touch()
    write(tmp_path, Dockerfile=f"FROM python:3.12\nWORKDIR /w\n{line}\nCMD x\n")
    (put,) = (o for o in plan(tmp_path).stages[0].operations if isinstance(o, Put))
    assert dict(put.files) == expected


def test_manifests_without_a_dockerfile(tmp_path: Path) -> None:
    command = ("python", "main.py")
    folder = write(tmp_path / "a", requirements__txt="", main__py="")
    made = plan(folder, command=command)
    assert (made.kind, made.workdir) == ("python", "/app")
    folder = write(tmp_path / "b", pyproject__toml="[project]\nname='x'\n", uv__lock="")
    sources = [
        o.source
        for s in plan(folder, command=command).stages
        for o in s.operations
        if isinstance(o, InstallPython)
    ]
    assert sources == ["uv"]
    folder = write(tmp_path / "c", package__json='{"scripts": {"start": "node x"}}')
    assert (plan(folder).kind, plan(folder).command) == ("node", ("npm", "start"))
    folder = write(tmp_path / "d", main__rs="")
    with pytest.raises(RefusedError, match="neither a Dockerfile nor a manifest"):
        plan(folder, command=command)


def test_an_override_says_how_to_build_and_run(tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM golang:1.22\nRUN go build\n", main__go="")
    override = PlatformOverride(
        build=("go build -o server .",), run="./server", environment={"A": "1"}, working_dir="sub"
    )
    made = plan(tmp_path, overrides={"local": override})
    assert (made.kind, made.run, made.workdir) == ("command", "./server", "/app/sub")
    assert made.environment == {"A": "1"}
    runs = [o.text for s in made.stages for o in s.operations if isinstance(o, Run)]
    assert runs == ["go build -o server ."]


def test_an_override_keeps_the_installs_of_a_known_language(
    project: Callable[[str], Path],
) -> None:
    override = PlatformOverride(build=("python other.py",), run="python app.py")
    made = plan(project("python"), overrides={"local": override})
    names = kinds(made)[-1]
    assert made.kind == "python"
    assert names.count("Run") == 1
    assert "InstallPython" in names


@pytest.mark.parametrize(
    ("image", "kind", "wanted"),
    [
        ("python", "python", None),
        ("python:slim", "python", None),
        ("python:3-alpine", "python", "3"),
        ("docker.io/library/python:3.12.1-alpine3.19", "python", "3.12"),
        ("ghcr.io/astral-sh/uv:0.7-python3.13-bookworm", "python", "3.13"),
        ("public.ecr.aws/docker/library/python:3.11@sha256:00", "python", "3.11"),
        ("someone/voteapp-python:v0.1.0", "python", None),
        ("node:lts-alpine", "node", None),
        ("node:20.11-slim", "node", "20"),
        ("gcr.io/distroless/nodejs22-debian12", "node", "22"),
        ("nginxinc/nginx-unprivileged:stable", "static", None),
    ],
)
def test_base_images(tmp_path: Path, image: str, kind: str, wanted: str | None) -> None:
    write(tmp_path, Dockerfile=f'FROM {image}\nCMD ["x"]\n')
    assert (plan(tmp_path).kind, plan(tmp_path).wanted) == (kind, wanted)


def test_python_2_is_refused(tmp_path: Path) -> None:
    write(tmp_path, Dockerfile='FROM python:2.7\nCMD ["python", "x.py"]\n')
    with pytest.raises(RefusedError, match="Python 2"):
        plan(tmp_path)


def test_a_plain_distribution_is_what_is_installed_in_it(tmp_path: Path) -> None:
    text = "FROM debian:12\nRUN apt-get install -y python3\nRUN pip install flask\nCMD flask run\n"
    write(tmp_path, Dockerfile=text)
    assert plan(tmp_path).kind == "python"


def test_what_a_moved_folder_becomes_is_the_artifacts_own(tmp_path: Path) -> None:
    text = "FROM node:20\nWORKDIR /app\nRUN mv /app/node_modules /node_modules\nCMD node x\n"
    write(tmp_path, Dockerfile=text)
    assert plan(tmp_path).owned == ("/app", "/node_modules")


def test_an_image_with_an_override_runs_from_the_project(tmp_path: Path) -> None:
    write(tmp_path, main__py="", requirements__txt="")
    override = PlatformOverride(run="python main.py")
    web = Service(name="web", role="web", image="a/b:1", overrides={"local": override})
    made = plan_build(web, project=tmp_path)
    assert (made.kind, made.run) == ("python", "python main.py")


def test_an_inline_dockerfile(tmp_path: Path) -> None:
    write(tmp_path, main__py="")
    inline = 'FROM python:3.12\nWORKDIR /w\nCOPY main.py .\nCMD ["python", "main.py"]\n'
    build = Build(context=str(tmp_path), dockerfile_inline=inline)
    assert plan(tmp_path, build=build).owned == ("/w",)


def test_places_are_named_from_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "services" / "web"
    folder.mkdir(parents=True)
    (folder / "prod.Dockerfile").write_text("FROM python:3.12\nUSER app\nCMD x\n")
    build = Build(context=str(folder), dockerfile="prod.Dockerfile")
    made = plan_build(service(folder, build=build), project=tmp_path)
    assert made.notes == ("services/web/prod.Dockerfile:2: USER app: runs as you instead",)


def test_a_healthcheck_is_handed_on(tmp_path: Path) -> None:
    text = 'FROM python:3.12\nHEALTHCHECK --interval=5s CMD ["python", "check.py"]\nCMD x\n'
    write(tmp_path, Dockerfile=text)
    check = plan(tmp_path).healthcheck
    assert check is not None
    assert (check.command, check.options) == (("python", "check.py"), {"interval": "5s"})
