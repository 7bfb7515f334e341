"""`.env` files; the forms that Compose reads are in tests/cases/compose/valid/env-file-forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.app.compose import read_dotenv
from slipway.errors import ConfigError


def read(folder: Path, text: str, **outside: str) -> dict[str, str]:
    path = folder / "app.env"
    path.write_bytes(text.encode())
    return read_dotenv(path, outside.get)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("\n# only a comment\n\n", {}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("\ufeffA=1\n", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=\nB=2", {"A": "", "B": "2"}),
        ("A=''\nB=\"\"", {"A": "", "B": ""}),
        ("  A = spaced  \n", {"A": "spaced"}),
        ("export A=1", {"A": "1"}),
        ("export=1", {"export": "1"}),
        ("A=b # comment", {"A": "b"}),
        ("A=b#c", {"A": "b#c"}),
        ("A='b # c' # d", {"A": "b # c"}),
        ('A="b # c" # d', {"A": "b # c"}),
        ("A='one\ntwo'\nB=3", {"A": "one\ntwo", "B": "3"}),
        ("A='$B ${C:?}'", {"A": "$B ${C:?}"}),
        (
            r'A="tab\tnew\nquote\" dollar\$B back\\slash"',
            {"A": 'tab\tnew\nquote" dollar$B back\\slash'},
        ),
        (r"A=raw\n", {"A": r"raw\n"}),
        ("A=1\nB=$A${A}", {"A": "1", "B": "11"}),
        ("A=${B:-${C:-d}}", {"A": "d"}),
        ("A=$$B", {"A": "$B"}),
        ("A: yaml", {"A": "yaml"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A.B-C=1", {"A.B-C": "1"}),
    ],
)
def test_reads(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    assert read(tmp_path, text) == expected


def test_the_lookup_comes_before_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "A=1\nB=$A", A="outer") == {"A": "1", "B": "outer"}


def test_a_name_alone_is_inherited_or_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, "A\nB\n", A="outer") == {"A": "outer"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("A=1\nB C=2\n", 2, "this line does not start with a variable's name"),
        ("=1", 1, "this line does not start with a variable's name"),
        ("A=1\n\nB='x\ny", 3, "the quote ' is not closed"),
        ("A=${B", 1, "a `${` is not closed by `}`"),
        ("A=1\nB=${C:?it is needed}", 2, "the variable C is required and not set: it is needed"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text)
    assert raised.value.message == message
    assert raised.value.location is not None
    assert (raised.value.location.file, raised.value.location.line) == (
        str(tmp_path / "app.env"),
        line,
    )


def test_values_are_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, "PASSWORD='hunter2\n")
    assert "hunter2" not in repr(vars(raised.value))


def test_a_missing_or_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_dotenv(tmp_path / "gone.env", lambda name: None)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_dotenv(tmp_path, lambda name: None)
    (tmp_path / "latin.env").write_bytes(b"A=caf\xe9")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_dotenv(tmp_path / "latin.env", lambda name: None)
