"""An instance's working copy: its own sources, shared dependencies, container paths mapped."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from slipway.app.model import Service
from slipway.platforms.local.build import (
    Built,
    materialise,
    program_of,
    start_command,
    working_directory,
)

SERVICE = Service(name="web", role="web")


@pytest.fixture
def built(tmp_path: Path) -> Built:
    """An artifact with a program in its environment, a script and a link."""
    tree, venv = tmp_path / "artifact" / "tree", tmp_path / "venv"
    (tree / "app").mkdir(parents=True)
    (tree / "app" / "main.py").write_text("print('/app')")
    (tree / "app" / "link").symlink_to("main.py")
    (tree / "app" / "start.sh").write_text("#!/bin/sh\ncd /app && exec python /app/main.py\n")
    (tree / "app" / "start.sh").chmod(0o755)
    (venv / "bin").mkdir(parents=True)
    for name in ("python", "serve"):
        (venv / "bin" / name).write_text("#!/bin/sh\n")
        (venv / "bin" / name).chmod(0o755)
    return Built(
        id="i",
        kind="python",
        folder=str(tmp_path / "artifact"),
        workdir="/app",
        command=("serve", "/app/main.py"),
        owned=("/app",),
        venv=str(venv),
        environment={"PATH": "/app/bin:/usr/local/bin:/usr/bin", "PYTHONPATH": "/app/src"},
    )


def test_a_private_copy(built: Built, tmp_path: Path) -> None:
    layout = materialise(built, tmp_path / "run")
    app = Path(layout.paths["/app"])
    assert app == tmp_path / "run" / "app" == Path(layout.workdir)
    assert (app / "link").is_symlink()
    assert (app / "start.sh").stat().st_mode & 0o100
    (app / "main.py").write_text("changed")
    assert "print" in (Path(built.folder) / "tree/app/main.py").read_text()


def test_scripts_name_the_copys_paths_sources_stay(built: Built, tmp_path: Path) -> None:
    app = Path(materialise(built, tmp_path / "run").workdir)
    assert (app / "start.sh").read_text() == f"#!/bin/sh\ncd {app} && exec python {app}/main.py\n"
    assert (app / "main.py").read_text() == "print('/app')"


def test_again_keeps_what_the_process_wrote(built: Built, tmp_path: Path) -> None:
    layout = materialise(built, tmp_path / "run")
    (Path(layout.workdir) / "written").touch()
    again = materialise(built, tmp_path / "run")
    assert again == layout
    assert (Path(layout.workdir) / "written").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_environment(built: Built, tmp_path: Path) -> None:
    layout = materialise(built, tmp_path / "run")
    assert layout.environment["PYTHONPATH"] == f"{layout.workdir}/src"
    assert layout.environment["PATH"].split(":")[0] == f"{built.venv}/bin"
    assert "" not in layout.environment["PATH"].split(":")
    assert layout.environment["VIRTUAL_ENV"] == built.venv


@pytest.mark.parametrize(
    ("image", "service", "expected"),
    [
        ({}, {}, ["{bin}/serve", "{app}/main.py"]),
        ({}, {"command": ("python", "-V")}, ["{bin}/python", "-V"]),
        ({"entrypoint": ("python",)}, {}, ["{bin}/python", "serve", "{app}/main.py"]),
        ({"entrypoint": ("python",)}, {"command": ("x",)}, ["{bin}/python", "x"]),
        ({"entrypoint": ("python",)}, {"entrypoint": ("serve",)}, ["{bin}/serve"]),
        ({"entrypoint": ("/bin/sh", "-c", "a /app")}, {}, ["/bin/sh", "-c", "a {app}"]),
        ({"run": "serve /app"}, {"command": ("x",)}, ["/bin/sh", "-c", "serve {app}"]),
        ({"command": ("/usr/local/bin/python", "x")}, {}, ["{bin}/python", "x"]),
        ({"command": ("/opt/venv/bin/serve",)}, {}, ["{bin}/serve"]),
        ({"command": ("./start.sh",)}, {}, ["{app}/./start.sh"]),
        ({"command": ("no-such-program",)}, {}, ["no-such-program"]),
    ],
)
def test_start_command(
    built: Built,
    tmp_path: Path,
    image: dict[str, object],
    service: dict[str, object],
    expected: list[str],
) -> None:
    made = msgspec.structs.replace(built, **image)
    layout = materialise(made, tmp_path / "run")
    argv = start_command(made, msgspec.structs.replace(SERVICE, **service), layout)
    known = {"bin": f"{built.venv}/bin", "app": layout.workdir}
    assert [str(Path(word)) if word.startswith("/") else word for word in argv] == [
        str(Path(text.format(**known))) if text[0] in "{/" else text.format(**known)
        for text in expected
    ]


def test_working_directory(built: Built, tmp_path: Path) -> None:
    layout = materialise(built, tmp_path / "run")
    other = msgspec.structs.replace(SERVICE, working_dir="/app/sub")
    assert working_directory(other, layout) == layout.workdir
    (Path(layout.workdir) / "sub").mkdir()
    assert working_directory(other, layout) == f"{layout.workdir}/sub"


def test_programs_of_probes(built: Built, tmp_path: Path) -> None:
    layout = materialise(built, tmp_path / "run")
    assert program_of("python", layout) == f"{built.venv}/bin/python"
    assert program_of("/app/start.sh", layout) == f"{layout.workdir}/start.sh"
    assert program_of("/bin/sh", layout) == "/bin/sh"
