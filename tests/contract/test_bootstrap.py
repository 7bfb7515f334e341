"""The first minute in a clone: `./deploy` makes .venv with real programs, whatever happens
meanwhile, and costs nothing afterwards. Each test works in a copy of this checkout."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.local

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = os.path.realpath(sys.executable)
DEADLINE_S = 120.0
_NOT_COPIED = shutil.ignore_patterns("__pycache__", ".mypy_cache", ".ruff_cache")


class Checkout:
    """A copy of this one, in a folder whose name has spaces."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.site = lambda: next(self.venv.glob("lib/python*/site-packages"))

    def run(self, *argv: object, cwd: Path | None = None, **variables: str) -> Answer:
        process = self.start(*argv, cwd=cwd, **variables)
        out, err = process.communicate(timeout=DEADLINE_S)
        return Answer(process.returncode, out, err)

    def start(
        self, *argv: object, cwd: Path | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        dropped = ("VIRTUAL_ENV", "PYTHONPATH")
        environment = {k: v for k, v in os.environ.items() if k not in dropped}
        return subprocess.Popen(
            [str(part) for part in argv],
            cwd=cwd or self.root,
            env={**environment, "DEPLOY_PYTHON": PYTHON, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def version(self, **variables: str) -> Answer:
        return self.run(self.root / "deploy", "--version", **variables)

    def bootstrap(self, kind: str = "runtime", **variables: str) -> Answer:
        return self.run("sh", "scripts/bootstrap", kind, **variables)


class Answer:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def is_silent_success(self) -> bool:
        return (self.code, self.err) == (0, "") and self.out.startswith("deploy ")

    def __repr__(self) -> str:
        return f"{self.code}\n{self.out}\n{self.err}"


def copy_to(folder: Path) -> Checkout:
    folder.mkdir(parents=True)
    for name in ("deploy", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=_NOT_COPIED)
    shutil.copytree(ROOT / "src", folder / "src", ignore=_NOT_COPIED)
    return Checkout(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return copy_to(tmp_path / "my clone of it")


@pytest.fixture
def made(checkout: Checkout) -> Checkout:
    answer = checkout.bootstrap()
    assert answer.code == 0, answer
    return checkout


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for a moment in the life of `process`; passes also when it ended before."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_first_call_makes_it_and_the_next_only_runs_the_tool(checkout: Checkout) -> None:
    first = checkout.version()
    assert first.code == 0
    assert first.out.startswith("deploy ")
    assert "making .venv" in first.err
    assert checkout.version().is_silent_success()
    assert not (checkout.root / ".venv.boot").exists()


def test_it_runs_through_symlinks_from_another_folder_and_by_name(
    made: Checkout, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "else where"
    (elsewhere / "bin").mkdir(parents=True)
    (elsewhere / "absolute").symlink_to(made.root / "deploy")
    (elsewhere / "bin/deploy").symlink_to("../absolute")
    assert made.run(elsewhere / "bin/deploy", "--version", cwd=elsewhere).is_silent_success()
    assert made.run("bin/deploy", "--version", cwd=elsewhere).is_silent_success()
    assert made.run("sh", "deploy", "--version").is_silent_success()
    path = f"{elsewhere / 'bin'}:{os.environ['PATH']}"
    by_name = made.run("sh", "-c", "exec deploy --version", cwd=tmp_path, PATH=path)
    assert by_name.is_silent_success()


def test_two_at_once_install_once(checkout: Checkout) -> None:
    both = [checkout.start("./deploy", "--version") for _ in range(2)]
    answers = [process.communicate(timeout=DEADLINE_S) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "".join(err for _, err in answers).count("installing") == 1
    assert all(out.startswith("deploy ") for out, _ in answers)


MOMENTS: dict[str, Callable[[Checkout], bool]] = {
    "at once": lambda _: True,
    "holding the lock": lambda c: (c.root / ".venv.boot").exists(),
    "with a folder": lambda c: c.venv.exists(),
    "with an empty venv": lambda c: (c.venv / "bin/python").exists(),
    "with some packages": lambda c: len(list(c.venv.glob("lib/python*/site-packages/*"))) > 3,
    "with most packages": lambda c: len(list(c.venv.glob("lib/python*/site-packages/*"))) > 30,
    "before the stamp": lambda c: any(c.venv.glob("lib/python*/site-packages/slipway.pth")),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_the_next_call_succeeds(checkout: Checkout, moment: str) -> None:
    process = checkout.start("sh", "scripts/bootstrap")
    until(lambda: MOMENTS[moment](checkout), process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=DEADLINE_S)
    answer = checkout.version()
    assert answer.code == 0, answer
    assert checkout.version().is_silent_success()
    assert not (checkout.root / ".venv.boot").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_says_so_and_leaves_nothing(
    checkout: Checkout, number: signal.Signals
) -> None:
    process = checkout.start("sh", "scripts/bootstrap")
    until(lambda: (checkout.root / ".venv.boot").exists(), process)
    process.send_signal(number)
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not (checkout.root / ".venv.boot").exists()
    assert checkout.version().code == 0


def test_a_newer_lock_with_the_same_lines_is_no_work(made: Checkout) -> None:
    installed = sorted(made.site().iterdir())
    os.utime(made.root / "requirements.lock")
    assert made.version().is_silent_success()
    stamp = (made.venv / ".slipway").stat().st_mtime_ns
    assert stamp > (made.root / "requirements.lock").stat().st_mtime_ns
    assert sorted(made.site().iterdir()) == installed


def test_another_lock_is_installed_in_place(made: Checkout) -> None:
    lock = made.root / "requirements.lock"
    lock.write_text(lock.read_text() + "# a change\n")
    kept = made.site().stat().st_ino
    answer = made.version()
    assert answer.code == 0
    assert "bringing .venv up to date" in answer.err
    assert made.site().stat().st_ino == kept
    assert made.version().is_silent_success()


@pytest.mark.parametrize("broken", ["python went away", "never finished", "another version"])
def test_a_stale_venv_is_made_anew(made: Checkout, broken: str) -> None:
    if broken == "python went away":
        (made.venv / "bin/python").unlink()
        (made.venv / "bin/python").symlink_to("/usr/bin/python3.0")
    elif broken == "never finished":
        (made.venv / ".slipway").unlink()
    else:
        made.site().parent.rename(made.venv / "lib/python3.0")
        os.utime(made.root / "requirements.lock")
    (made.venv / "of the old one").touch()
    answer = made.version()
    assert answer.code == 0, answer
    assert "making .venv" in answer.err
    assert not (made.venv / "of the old one").exists()
    assert made.version().is_silent_success()


def test_a_checkout_can_be_moved_and_copied(made: Checkout, tmp_path: Path) -> None:
    copy = Checkout(tmp_path / "a copy")
    shutil.copytree(made.root, copy.root, symlinks=True)
    ask = [copy.venv / "bin/python", "-c", "import slipway; print(slipway.__file__)"]
    assert copy.run(*ask).out.startswith(str(copy.root))
    moved = Checkout(tmp_path / "moved")
    made.root.rename(moved.root)
    assert moved.version().is_silent_success()
    program = moved.run(moved.venv / "bin/supervisord", "--version")
    assert program.code == 0, program


def test_the_tool_and_its_tests_share_the_venv(checkout: Checkout) -> None:
    assert checkout.bootstrap("dev").code == 0
    assert checkout.version().is_silent_success()
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = checkout.root / name
        lock.write_text(lock.read_text() + "# a change\n")
    assert checkout.version().code == 0
    assert (checkout.venv / "bin/pytest").exists()
    assert checkout.bootstrap("dev").err == ""


def test_without_uv_pip_fetches_it(checkout: Checkout, tmp_path: Path) -> None:
    answer = checkout.version(PATH=str(all_but_uv(tmp_path)))
    assert answer.code == 0, answer
    assert "fetching uv" in answer.err


def test_without_pip_too_it_is_made_or_unpacked(checkout: Checkout, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", bare], check=True)
    programs = all_but_uv(tmp_path)
    answer = checkout.version(PATH=str(programs), DEPLOY_PYTHON=str(bare / "bin/python"))
    assert answer.code == 0, answer
    ways = ("(of ensurepip)", "(from /usr/share/python-wheels)", "(from its Debian package)")
    assert any(way in answer.err for way in ways), answer
    assert not (checkout.venv / "bin/python").readlink().is_relative_to(bare)


def test_an_old_uv_is_not_used(made: Checkout, tmp_path: Path) -> None:
    programs = few_programs(tmp_path)
    (programs / "uv").write_text("#!/bin/sh\necho uv 0.1.2\n")
    (programs / "uv").chmod(0o755)
    lock = made.root / "requirements.lock"
    lock.write_text(lock.read_text() + "# a change\n")
    answer = made.version(PATH=str(programs))
    assert answer.code == 0, answer
    assert "fetching" not in answer.err  # .venv had one


def test_pip_runs_from_its_debian_package(tmp_path: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("no apt on this system")
    command = ["sh", ROOT / "scripts/apt-unpack", tmp_path, "python3-pip-whl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("usr/share/python-wheels/pip-*.whl")
    pip = subprocess.run([PYTHON, wheel / "pip", "--version"], capture_output=True, text=True)
    assert pip.stdout.startswith("pip ")
    assert [path.name for path in tmp_path.iterdir()] == ["usr"]


# --- what a machine lacks -------------------------------------------------------------------


def is_one_message(answer: Answer, code: int) -> bool:
    return (answer.code, answer.out) == (code, "") and answer.err.count("\n  next: ") == 1


def few_programs(folder: Path) -> Path:
    """A folder for PATH that has what the scripts call, and neither uv nor a Python."""
    programs = folder / "few programs"
    programs.mkdir()
    for name in ("sh", "dirname", "readlink"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    return programs


def all_but_uv(folder: Path) -> Path:
    """A folder for PATH that has what PATH has, but uv."""
    programs = folder / "all programs"
    programs.mkdir()
    for place in map(Path, os.environ["PATH"].split(os.pathsep)):
        for program in place.iterdir() if place.is_dir() else ():
            link = programs / program.name
            if program.name not in ("uv", "uvx") and not link.is_symlink():
                link.symlink_to(program)
    return programs


@pytest.mark.parametrize("how", ["on PATH", "by name"])
def test_an_old_python_is_refused(checkout: Checkout, tmp_path: Path, how: str) -> None:
    programs = few_programs(tmp_path)
    old = programs / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    old.chmod(0o755)
    named = str(old) if how == "by name" else ""
    answer = checkout.version(PATH=str(programs), DEPLOY_PYTHON=named)
    assert is_one_message(answer, 2), answer
    assert ("Python 3.9.2" if how == "on PATH" else str(old)) in answer.err


def test_no_python_at_all(checkout: Checkout, tmp_path: Path) -> None:
    answer = checkout.version(PATH=str(few_programs(tmp_path)), DEPLOY_PYTHON="")
    assert is_one_message(answer, 2), answer


def test_without_a_network(checkout: Checkout, tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    cache = str(tmp_path / "empty")
    answer = checkout.version(UV_CACHE_DIR=cache, UV_HTTP_RETRIES="0", **nowhere)
    assert is_one_message(answer, 1), answer
    assert "is there a network" in answer.err
    assert "Traceback" not in answer.err
    assert checkout.version().code == 0


def test_a_read_only_checkout() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        checkout = copy_to(folder / "clone")
        checkout.root.chmod(0o555)
        nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [checkout.root / "deploy", "--version"],
            cwd="/",
            env={"PATH": os.defpath, "DEPLOY_PYTHON": shutil.which("python3", path=os.defpath)},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            **nobody,
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert is_one_message(answer, 2), answer
        assert "read-only" in answer.err
    finally:
        folder.joinpath("clone").chmod(0o755)
        shutil.rmtree(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a file system cannot be mounted here (needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    checkout = copy_to(small_disk / "clone")
    answer = checkout.version()
    assert is_one_message(answer, 1), answer
    assert "No space left" in answer.err
    assert "free about" in answer.err
    assert "Traceback" not in answer.err
