from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from slipway.errors import StorageError
from slipway.support.files import atomic_write, create_once, make_folder, storage_errors


def test_writes_whole_with_its_mode_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a"
    atomic_write(path, b"one")
    atomic_write(path, b"two", 0o640)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_keeps_the_old_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    (folder / "inside").write_bytes(b"kept")
    with pytest.raises(StorageError, match="taken"):
        atomic_write(folder, b"new")  # a folder cannot be replaced by a file
    assert (folder / "inside").read_bytes() == b"kept"
    assert list(tmp_path.iterdir()) == [folder]


def test_create_once_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert create_once(path, b"first")
    assert not create_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_make_folder_gives_its_mode_to_what_it_makes_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the always full device is Linux's")
def test_a_full_disk_says_how_much_is_free_and_where() -> None:
    path = Path("/dev/full")
    with pytest.raises(StorageError) as caught, storage_errors(path):  # noqa: SIM117
        with path.open("wb") as file:
            file.write(b"x")
    assert "disk full" in caught.value.message
    assert "MB free at /dev/full" in caught.value.message
    assert "free some space" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission"),
        (errno.EPERM, "no permission"),
        (errno.EDQUOT, "quota"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_every_os_error_becomes_a_storage_error(tmp_path: Path, code: int, says: str) -> None:
    path = tmp_path / "missing" / "file"
    with pytest.raises(StorageError, match=says) as caught, storage_errors(path, "read"):
        raise OSError(code, os.strerror(code))
    assert str(path) in caught.value.message
    assert "cannot read" in caught.value.message
    assert caught.value.exit_code == 1


def test_a_missing_folder_is_a_storage_error_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        atomic_write(tmp_path / "no" / "where", b"")
