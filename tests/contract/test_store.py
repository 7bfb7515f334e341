"""Every implementation of `support.store.Store` keeps its words, also when cut off or raced."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import StorageError
from slipway.support.filestore import FileStore
from slipway.support.store import Store
from slipway.testing.memory_store import MemoryStore


class Kind(NamedTuple):
    store: Store
    cut: Callable[[str, int], None]


@pytest.fixture(params=["file", "memory"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    if request.param == "memory":
        memory = MemoryStore()
        return Kind(memory, memory.cut)
    root = tmp_path / "state" / "store"
    return Kind(FileStore(root), lambda key, size: _truncate(root / key, size))


@pytest.fixture
def store(kind: Kind) -> Store:
    return kind.store


def _truncate(path: Path, size: int) -> None:
    with path.open("rb+") as file:
        file.truncate(size)


def test_reads_what_was_written(store: Store) -> None:
    store.write("a/b.json", b"one")
    store.write("a/b.json", b"two\n\x00")
    assert store.read("a/b.json") == b"two\n\x00"
    store.write("empty", b"")
    assert store.read("empty") == b""


def test_nothing_is_none_and_no_error(store: Store) -> None:
    assert store.read("no/where") is None
    assert store.tail("no/where", 10) == b""
    assert store.keys() == []
    assert store.keys("no/") == []
    store.delete("no/where")
    store.write("a", b"")
    assert store.read("a/b") is None
    assert store.tail("a/b", 1) == b""


def test_tail_is_the_end(store: Store) -> None:
    store.write("log", b"0123456789")
    assert store.tail("log", 3) == b"789"
    assert store.tail("log", 10) == b"0123456789"
    assert store.tail("log", 99) == b"0123456789"
    assert store.tail("log", 0) == b""


def test_keys_are_sorted_and_by_prefix(store: Store) -> None:
    for key in ("runs/000010.jsonl", "runs/000002.jsonl", "runs-old", "lease", "runs/x/y"):
        store.write(key, b"")
    assert store.keys("runs/") == ["runs/000002.jsonl", "runs/000010.jsonl", "runs/x/y"]
    assert store.keys("runs/00000") == ["runs/000002.jsonl"]
    assert store.keys("run") == ["runs-old", "runs/000002.jsonl", "runs/000010.jsonl", "runs/x/y"]
    assert store.keys("runs/x/y/") == []
    assert len(store.keys()) == 5


def test_deleted_is_gone(store: Store) -> None:
    store.write("a/b", b"1")
    store.delete("a/b")
    assert store.read("a/b") is None
    assert store.keys() == []


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/", ".lock", "a\\b"]
)
def test_a_key_cannot_leave_the_store(store: Store, key: str) -> None:
    for call in (store.read, store.delete, lambda k: store.write(k, b"")):
        with pytest.raises(ValueError, match="not a store key"):
            call(key)


def test_swap_writes_only_over_what_was_expected(store: Store) -> None:
    assert not store.swap("lease", b"mine", b"x")
    assert store.read("lease") is None
    assert store.swap("lease", None, b"mine")
    assert not store.swap("lease", None, b"yours")
    assert not store.swap("lease", b"min", None)
    assert store.read("lease") == b"mine"
    assert store.swap("lease", b"mine", b"again")
    assert store.swap("lease", b"again", None)
    assert store.read("lease") is None
    assert store.keys() == []


def test_appended_lines_are_in_order(store: Store) -> None:
    for line in (b"one", b"", b"three"):
        store.append("runs/1", line)
    assert store.read("runs/1") == b"one\n\nthree\n"
    with pytest.raises(ValueError, match="newline"):
        store.append("runs/1", b"a\nb")


def test_a_line_torn_at_any_byte_is_cut_before_the_next(kind: Kind) -> None:
    whole, last = b'{"n": 1}\n', b'{"n": 22}'
    for size in range(len(last) + 1):
        key = f"runs/{size}"
        kind.store.append(key, whole[:-1])
        kind.store.append(key, last)
        kind.cut(key, len(whole) + size)
        kind.store.append(key, b"next")
        assert kind.store.read(key) == whole + b"next\n"


def test_a_single_torn_line_longer_than_any_buffer_is_cut(kind: Kind) -> None:
    long = b"x" * 300_000
    kind.store.append("log", long)
    kind.store.append("log", long)
    kind.cut("log", 2 * len(long))
    kind.store.append("log", b"y")
    assert kind.store.read("log") == long + b"\ny\n"
    kind.cut("log", 1000)
    kind.store.append("log", b"z")
    assert kind.store.read("log") == b"z\n"


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_no_append_of_threads_is_lost_or_mixed(store: Store) -> None:
    def work(number: int) -> None:
        for index in range(20):
            store.append("log", f"{number}:{index}:{'x' * 500}".encode())

    _in_threads(4, work)
    lines = (store.read("log") or b"").decode().splitlines()
    assert sorted(lines) == sorted(f"{n}:{i}:{'x' * 500}" for n in range(4) for i in range(20))
    for number in range(4):  # and each one's own are in its order
        own = [line for line in lines if line.startswith(f"{number}:")]
        assert own == [f"{number}:{i}:{'x' * 500}" for i in range(20)]


def test_no_swap_of_threads_is_lost(store: Store) -> None:
    def work(number: int) -> None:
        for _ in range(15):
            while True:
                old = store.read("count")
                if store.swap("count", old, str(int(old or b"0") + 1).encode()):
                    break

    _in_threads(4, work)
    assert store.read("count") == b"60"


class TestFileStore:
    """What only a store of files can promise: other processes, a kill, a full disk."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    def test_reading_creates_nothing(self, root: Path) -> None:
        store = FileStore(root)
        store.read("a")
        store.tail("a/b", 3)
        store.keys("a/")
        store.delete("a")
        assert not root.exists()

    def test_nobody_else_may_read(self, root: Path) -> None:
        store = FileStore(root)
        store.append("runs/1", b"")
        store.write("releases/1", b"")
        modes = {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()}
        folders = {path.stat().st_mode & 0o777 for path in (root, root / "runs")}
        assert modes == {0o600}
        assert folders == {0o700}

    def test_what_a_killed_writer_left_is_neither_a_key_nor_kept(self, root: Path) -> None:
        store = FileStore(root)
        store.write("a/b", b"old")
        left = root / "a" / ".b.0123.tmp"
        left.write_bytes(b"half")
        assert store.keys() == ["a/b"]
        store.write("a/b", b"new")
        assert not left.exists()

    def test_a_wait_for_others_ends(self, root: Path) -> None:
        with _Holder(root) as holder:
            with pytest.raises(StorageError, match="another process has held"):
                FileStore(root, patience=0.05).write("a", b"1")
            assert holder.poll() is None

    def test_a_killed_holder_leaves_no_lock(self, root: Path) -> None:
        with _Holder(root) as holder:
            holder.kill()
            holder.wait(timeout=30)
            FileStore(root).write("a", b"1")
        assert FileStore(root).read("a") == b"1"

    def test_a_removed_store_is_made_again(self, root: Path) -> None:
        store = FileStore(root)
        store.write("a", b"1")
        for path in sorted(root.rglob("*"), reverse=True):
            path.unlink()
        root.rmdir()
        store.write("a", b"2")
        assert store.read("a") == b"2"

    def test_one_of_two_processes_wins_each_swap(self, root: Path) -> None:
        code = """if True:
            for turn in range(25):
                while (store.read("turn") or b"000") < b"%03d" % turn: pass
                if store.swap(f"won/{turn}", None, me):
                    store.append("winners", me)
                    store.write("turn", b"%03d" % (turn + 1))
        """
        _in_processes(root, ("one", "two"), code)
        store = FileStore(root)
        winners = (store.read("winners") or b"").split()
        assert winners == [store.read(f"won/{turn}") for turn in range(25)]

    def test_no_append_of_processes_is_lost(self, root: Path) -> None:
        code = "[store.append('log', me + b'%d' % i) for i in range(40)]"
        _in_processes(root, ("a", "b"), code)
        lines = (FileStore(root).read("log") or b"").split()
        assert sorted(lines) == sorted(b"%c%d" % (c, i) for c in b"ab" for i in range(40))

    def test_a_kill_between_any_two_bytes_costs_at_most_the_last_line(self, root: Path) -> None:
        line = b"%06d" + b"x" * 3000
        code = (
            "import pathlib, sys\n"
            "from slipway.support.filestore import FileStore\n"
            "store = FileStore(pathlib.Path(sys.argv[1])); number = 0\n"
            "while True:\n"
            f"    store.append('log', {line!r} % number); number += 1\n"
            "    print(number, flush=True)\n"
        )
        for round_ in range(3):
            path = root / str(round_)
            with subprocess.Popen(
                [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE
            ) as writer:
                assert writer.stdout is not None
                for _ in range(5 + round_):
                    told = int(writer.stdout.readline())
                writer.kill()
                told = max([told, *(int(left) for left in writer.stdout.read().split())])
            store = FileStore(path)
            store.append("log", b"after")
            lines = (store.read("log") or b"").split(b"\n")[:-1]
            assert lines[-1] == b"after"
            assert lines[:-1] == [line % number for number in range(len(lines) - 1)]
            assert len(lines) - 1 in (told, told + 1), "all that were told, or one not told yet"

    @pytest.mark.local
    def test_a_read_only_disk_is_read_and_said(self, small_disk: Path) -> None:
        store = FileStore(small_disk / "store")
        store.write("a", b"1")
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        assert store.read("a") == b"1"
        assert store.keys() == ["a"]
        store.delete("not there")
        for call in (lambda: store.write("a", b"2"), lambda: store.append("new/log", b"")):
            with pytest.raises(StorageError, match="the file system is read-only"):
                call()

    @pytest.mark.local
    def test_a_full_disk_changes_nothing(self, small_disk: Path) -> None:
        store = FileStore(small_disk / "store")
        store.append("log", b"kept")
        store.write("value", b"kept")
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="space"):
            filler.write_bytes(b"x" * 100_000)
        for call in (
            lambda: store.append("log", b"y" * 8000),
            lambda: store.write("value", b"y" * 8000),
            lambda: store.swap("value", b"kept", b"y" * 8000),
        ):
            with pytest.raises(StorageError, match=r"disk full.*0 MB free"):
                call()
        assert store.read("log") == b"kept\n"
        assert store.read("value") == b"kept"
        filler.unlink()
        store.append("log", b"again")
        assert store.read("log") == b"kept\nagain\n"
        assert store.keys() == ["log", "value"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB, where this user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small file system needs root")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _in_processes(root: Path, names: tuple[str, ...], code: str) -> None:
    """Run `code` in a process for each name, at once: `store` on `root`, `me` the name in bytes."""
    setup = (
        "import pathlib, sys\n"
        "from slipway.support.filestore import FileStore\n"
        "store = FileStore(pathlib.Path(sys.argv[1])); me = sys.argv[2].encode()\n"
    )
    command = [sys.executable, "-c", setup + code, str(root)]
    processes = [subprocess.Popen([*command, name]) for name in names]
    try:
        assert [process.wait(timeout=30) for process in processes] == [0] * len(names)
    finally:
        for process in processes:
            process.kill()
            process.wait(timeout=30)


class _Holder:
    """A process that holds a store's lock until it is killed."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root

    def __enter__(self) -> subprocess.Popen[bytes]:
        code = (
            "import pathlib, sys\n"
            "from slipway.support.locks import file_lock\n"
            "with file_lock(pathlib.Path(sys.argv[1]) / '.lock', patience=30):\n"
            "    print('held', flush=True)\n"
            "    sys.stdin.read()\n"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(self._root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"held\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=30)


_LINES = st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=6)


@given(lines=_LINES, torn=st.binary(min_size=1, max_size=20).filter(lambda b: b"\n" not in b))
def test_a_torn_append_never_costs_a_whole_line(lines: list[bytes], torn: bytes) -> None:
    store = MemoryStore(tear_at=len(lines) + 1, tear_bytes=len(torn) - 1)
    for line in lines:
        store.append("log", line)
    with pytest.raises(StorageError):
        store.append("log", torn)
    store.append("log", b"after")
    assert store.read("log") == b"".join(line + b"\n" for line in [*lines, b"after"])


def test_a_memory_store_fails_where_told() -> None:
    store = MemoryStore(fail_at=2)
    store.write("a", b"1")
    with pytest.raises(StorageError, match="disk full"):
        store.write("a", b"2")
    store.write("b", b"3")
    assert (store.read("a"), store.read("b")) == (b"1", b"3")
    full = MemoryStore(fail_at=1, stays_full=True)
    for _ in range(2):
        with pytest.raises(StorageError, match="disk full"):
            full.swap("a", None, b"1")
    assert full.keys() == []
