"""A context's files: what is seen, and when a file is read again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from slipway.platforms.local.build.context import Digests, list_context, names_of
from slipway.platforms.local.build.ignore import Ignore


def test_what_belongs_to_the_working_tree_is_left_out(tmp_path: Path) -> None:
    for name in (".git/config", "node_modules/a/b.js", "x/__pycache__/y.pyc", "src/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "env" / "lib").mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "env" / "lib" / "z.py").touch()
    assert list(list_context(tmp_path, Ignore("")).files) == ["src/a.py"]


def test_links_stay_links_if_they_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_text("x")
    (tmp_path / "sub" / "in").symlink_to("../a")
    (tmp_path / "sub" / "out").symlink_to("../../elsewhere")
    (tmp_path / "absolute").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    context = list_context(tmp_path, Ignore(""))
    assert list(context.files) == ["a", "sub/in"]
    assert context.files["sub/in"].link == "../a"
    assert context.skipped == ("absolute", "pipe", "sub/out")


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    folder, cache = tmp_path / "app", tmp_path / "cache"
    folder.mkdir()
    (folder / "a").write_text("one")
    first = Digests(cache, folder)
    before = first.of("a", list_context(folder, Ignore("")).files["a"])
    first.save()

    known = list_context(folder, Ignore("")).files["a"]
    (folder / "a").unlink()  # were it read now, it would fail
    assert Digests(cache, folder).of("a", known) == before

    (folder / "a").write_text("two")
    os.utime(folder / "a", ns=(before.known_by[1], before.known_by[1]))
    after = Digests(cache, folder).of("a", list_context(folder, Ignore("")).files["a"])
    assert after.digest != before.digest


def test_a_cache_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "cache").write_text("a file, not a folder")
    file = list_context(tmp_path, Ignore("")).files["a"]
    digests = Digests(tmp_path / "cache", tmp_path)
    assert digests.of("a", file).digest
    digests.save()


def test_a_broken_cache_is_forgotten(tmp_path: Path) -> None:
    folder, cache = tmp_path / "app", tmp_path / "cache"
    folder.mkdir()
    (folder / "a").write_text("one")
    file = list_context(folder, Ignore("")).files["a"]
    digests = Digests(cache, folder)
    expected = digests.of("a", file)
    digests.save()
    (kept,) = (cache / "digests").iterdir()
    kept.write_bytes(kept.read_bytes()[:10])
    assert Digests(cache, folder).of("a", file) == expected


def test_mentions(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("os.environ['DEPLOY_VERSION'], DEPLOY_RELEASE")
    (tmp_path / "b.py").write_text("DEPLOY_ELSE")
    files = list_context(tmp_path, Ignore("")).files
    digests = Digests(None, tmp_path)
    bits = [digests.of(path, file).mentions for path, file in files.items()]
    assert names_of(bits) == ("DEPLOY_VERSION", "DEPLOY_RELEASE")


def test_another_folder_with_the_same_files_has_the_same_digests(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a").write_text("x")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    digests = [
        Digests(None, folder).of("a", list_context(folder, Ignore("")).files["a"]).digest
        for folder in (tmp_path / "one", tmp_path / "two")
    ]
    assert digests[0] == digests[1]
