from __future__ import annotations

import io
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from rich.console import Console
from rich.traceback import Traceback

from slipway.errors import ConfigError, NotFoundError, SlipwayError, StorageError, UsageError
from slipway.support.filestore import FileStore
from slipway.support.secrets.age_store import SecretStore, key_path
from slipway.testing.memory_store import MemoryStore

VALUE = "hunter2-hunter2"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "keys" / "app-dev.key"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def secrets(store: MemoryStore, key_file: Path) -> SecretStore:
    return SecretStore(store, key_file, now=lambda: 1000.0)


def test_a_value_comes_back_to_another_process_with_the_key(
    store: MemoryStore, key_file: Path, secrets: SecretStore
) -> None:
    assert secrets.set("DB_PASSWORD", "pä§s\n", "user") == 1
    assert SecretStore(store, key_file).get("DB_PASSWORD") == "pä§s\n"


def test_nothing_readable_is_stored(secrets: SecretStore, store: MemoryStore) -> None:
    secrets.set("DB_PASSWORD", VALUE, "user")
    data = store.read("secrets.age") or b""
    assert data.startswith(b"age-encryption.org/v1")
    assert b"DB_PASSWORD" not in data
    assert VALUE.encode() not in data


def test_versions_grow_and_stay_readable(secrets: SecretStore) -> None:
    assert [secrets.set("A", value, "user") for value in ("one", "two", "one")] == [1, 2, 3]
    assert (secrets.get("A"), secrets.get("A", 2)) == ("one", "two")
    assert secrets.version_of("A") == 3
    assert secrets.next_version("A") == 4
    assert secrets.next_version("B") == 1


def test_the_same_value_again_writes_nothing(secrets: SecretStore, store: MemoryStore) -> None:
    assert secrets.set("A", "one", "user") == 1
    writes = store.writes
    assert secrets.set("A", "one", "generated") == 1
    assert secrets.set_many({"A": "one"}, "generated") == {"A": 1}
    assert store.writes == writes


def test_many_are_one_write(secrets: SecretStore, store: MemoryStore) -> None:
    secrets.set("A", "one", "user")
    writes = store.writes
    assert secrets.set_many({"A": "two", "B": "three", "C": "four"}, "generated") == {
        "A": 2,
        "B": 1,
        "C": 1,
    }
    assert store.writes == writes + 1


def test_names_show_no_value_and_no_unset_secret(secrets: SecretStore) -> None:
    secrets.set_many({"B": VALUE, "A": VALUE, "GONE": VALUE}, "generated")
    secrets.unset("GONE")
    shown = secrets.names()
    assert [(info.name, info.version, info.created, info.source) for info in shown] == [
        ("A", 1, 1000.0, "generated"),
        ("B", 1, 1000.0, "generated"),
    ]
    assert VALUE not in repr(shown)


def test_an_unset_secret_is_gone_but_its_versions_stay(secrets: SecretStore) -> None:
    secrets.set("A", "one", "user")
    secrets.unset("A")
    assert not secrets.has("A")
    assert secrets.get("A", 1) == "one"
    for call in (secrets.get, secrets.version_of, secrets.unset):
        with pytest.raises(NotFoundError, match="no secret A"):
            call("A")
    with pytest.raises(NotFoundError, match="no version 2 of secret A"):
        secrets.get("A", 2)
    assert secrets.set("A", "one", "user") == 3


def test_reading_creates_neither_key_nor_store(tmp_path: Path) -> None:
    secrets = SecretStore(FileStore(tmp_path / "store"), tmp_path / "keys" / "k")
    assert secrets.names() == ()
    assert not secrets.has("A")
    with pytest.raises(NotFoundError):
        secrets.get("A")
    with pytest.raises(NotFoundError):
        secrets.unset("A")
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_the_owners_only_and_of_ages_own_form(
    secrets: SecretStore, key_file: Path, store: MemoryStore
) -> None:
    secrets.set("A", VALUE, "user")
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.parent.stat().st_mode & 0o777 == 0o700
    text = key_file.read_text()
    assert VALUE not in text
    identity = pyrage.x25519.Identity.from_str(text.splitlines()[-1])
    assert VALUE.encode() in pyrage.decrypt(store.read("secrets.age") or b"", [identity])


def test_a_key_made_with_age_keygen_is_used_and_kept(
    secrets: SecretStore, key_file: Path, store: MemoryStore
) -> None:
    identity = pyrage.x25519.Identity.generate()
    key_file.parent.mkdir(parents=True)
    key_file.write_text(f"# mine\n{identity}\n")
    secrets.set("A", VALUE, "user")
    assert key_file.read_text() == f"# mine\n{identity}\n"
    assert pyrage.decrypt(store.read("secrets.age") or b"", [identity])


def test_without_the_key_it_says_so_and_makes_no_other(
    secrets: SecretStore, key_file: Path
) -> None:
    secrets.set("A", VALUE, "user")
    key_file.unlink()
    calls: list[Callable[[], object]] = [
        lambda: secrets.get("A"),
        lambda: secrets.set("B", "x", "user"),
        secrets.names,
    ]
    for call in calls:
        with pytest.raises(ConfigError, match="is not there") as caught:
            call()
        assert caught.value.location is not None
        assert caught.value.location.file == str(key_file)
        assert "DEPLOY_KEY_FILE" in (caught.value.hint or "")
    assert not key_file.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"{pyrage.x25519.Identity.generate()}\n", "does not open"),
        ("", "not an age key file"),
        ("AGE-SECRET-KEY-1WRONG\n", "not an age key file"),
    ],
    ids=["another key", "empty", "broken"],
)
def test_a_wrong_key_is_named_with_a_hint(
    secrets: SecretStore, key_file: Path, content: str, says: str
) -> None:
    secrets.set("A", VALUE, "user")
    key_file.write_text(content)
    with pytest.raises(ConfigError, match=says) as caught:
        secrets.get("A")
    assert caught.value.hint


def test_two_writers_at_once_lose_nothing(store: MemoryStore, key_file: Path) -> None:
    def write(who: int) -> None:
        mine = SecretStore(store, key_file)
        for index in range(5):
            mine.set(f"S{who}_{index}", str(index), "user")

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(SecretStore(store, key_file).names()) == 20


def test_a_full_disk_keeps_what_was(store: MemoryStore, secrets: SecretStore) -> None:
    secrets.set("A", "one", "user")
    store.fail_at = store.writes + 1
    with pytest.raises(StorageError, match="disk full"):
        secrets.set_many({"A": "two", "B": "x"}, "user")
    assert (secrets.get("A"), secrets.has("B")) == ("one", False)


def test_a_name_that_no_placeholder_can_hold_is_refused(secrets: SecretStore) -> None:
    with pytest.raises(UsageError, match="cannot be a secret's name"):
        secrets.set("a b", "x", "user")


def _disk_full(store: MemoryStore, secrets: SecretStore, key_file: Path) -> None:
    store.fail_at = store.writes + 1
    secrets.set("NEW", "fresh-" + VALUE, "user")


def _bad_name(store: MemoryStore, secrets: SecretStore, key_file: Path) -> None:
    secrets.set_many({"bad name": "fresh-" + VALUE}, "user")


def _no_key(store: MemoryStore, secrets: SecretStore, key_file: Path) -> None:
    key_file.unlink()
    secrets.get("A")


def _unknown_form(store: MemoryStore, secrets: SecretStore, key_file: Path) -> None:
    identity = pyrage.x25519.Identity.from_str(key_file.read_text().splitlines()[-1])
    data = pyrage.encrypt(f'{{"secrets": ["{VALUE}"]}}'.encode(), [identity.to_public()])
    store.write("secrets.age", data)
    secrets.get("A")


def _no_version(store: MemoryStore, secrets: SecretStore, key_file: Path) -> None:
    secrets.get("A", 9)


@pytest.mark.parametrize("fails", [_disk_full, _bad_name, _no_key, _unknown_form, _no_version])
def test_no_traceback_shows_a_value(
    fails: Callable[[MemoryStore, SecretStore, Path], None],
    store: MemoryStore,
    secrets: SecretStore,
    key_file: Path,
) -> None:
    secrets.set("A", VALUE, "user")
    with pytest.raises(SlipwayError) as caught:
        fails(store, secrets, key_file)
    error, trace = caught.value, caught.tb.tb_next.tb_next  # type: ignore[union-attr]
    plain = traceback.TracebackException(type(error), error, trace, capture_locals=True)
    console = Console(file=io.StringIO(), width=400)
    console.print(
        Traceback.from_exception(
            type(error), error, trace, show_locals=True, locals_max_string=None
        )
    )
    for shown in ("".join(plain.format()), console.file.getvalue()):  # type: ignore[attr-defined]
        assert "age_store.py" in shown
        assert VALUE not in shown
    assert VALUE not in repr(secrets) + str(vars(secrets))


def test_the_key_is_where_it_is_said(tmp_path: Path) -> None:
    environ = {"HOME": "/home/ann"}
    assert key_path({**environ, "DEPLOY_KEY_FILE": "/run/key"}, "inbox-1", "prod") == Path(
        "/run/key"
    )
    assert key_path({"XDG_CONFIG_HOME": "/c"}, "inbox-1", "prod") == Path(
        "/c/slipway/keys/inbox-1-prod.key"
    )
    sneaky = key_path({"XDG_CONFIG_HOME": "/c"}, "inbox-1", "../../prod")
    assert sneaky.parent == Path("/c/slipway/keys")
