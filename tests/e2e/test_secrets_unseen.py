"""Nobody sees a secret: not in files, logs, outputs, nor in any process's arguments.

Values come from all places that people put them: `.env`, compose.yaml itself, `secrets set`,
and generated ones. They are looked for, also encoded, in all that was written and said.
"""

from __future__ import annotations

import base64
import threading
import urllib.parse
from pathlib import Path

import psutil
import pytest
from stage import Done, Stage

pytestmark = pytest.mark.local

IN_ENV = "Zq1mark-Of_envfile77"
IN_COMPOSE = "Zq2mark-Of_compose88"
IN_STORE = "Zq3mark/Of+store=99"


class Arguments:
    """Reads every process's arguments, over and over, while it is open."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Arguments:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._stop.wait(0.01):
            for pid in psutil.pids():
                try:
                    self.seen.add(" ".join(psutil.Process(pid).cmdline()))
                except psutil.Error:
                    continue


def forms(value: str) -> set[bytes]:
    """The value as it is, in a URL, and in base64."""
    plain = value.encode()
    return {plain, urllib.parse.quote(value, safe="").encode(), base64.b64encode(plain)}


def holding(folder: Path, value: str) -> list[str]:
    """Files in `folder` that hold the value in some form."""
    wanted = forms(value)
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in wanted)
    ]


def test_secrets_are_seen_by_nobody(open_stage: object) -> None:
    stage: Stage = open_stage("inbox")  # type: ignore[operator]
    stage.write(".env", f"POSTGRES_PASSWORD={IN_ENV}\n")
    stage.change(
        "compose.yaml",
        "      WEBHOOK_REQUIRE_SIGNATURE:",
        f"      PARTNER_TOKEN: {IN_COMPOSE}\n      MAIL_PASSWORD: ${{MAIL_PASSWORD}}\n"
        "      WEBHOOK_REQUIRE_SIGNATURE:",
    )
    said: list[Done] = []

    def run(*words: str, stdin: str | None = None, code: int = 0) -> Done:
        done = stage.run(*words, stdin=stdin, env={"DEPLOY_DEBUG": "1"}).expect(code)
        said.append(done)
        return done

    with Arguments() as arguments:
        run("secrets", "set", "MAIL_PASSWORD", stdin=IN_STORE)
        run("install", "--verbose")
        values = {
            name: stage.run("secrets", "get", name).expect().out.rstrip("\n")
            for name in ("POSTGRES_PASSWORD", "MAIL_PASSWORD", "SECRET_KEY", "PARTNER_TOKEN")
        }
        assert values["POSTGRES_PASSWORD"] == IN_ENV
        assert values["MAIL_PASSWORD"] == IN_STORE
        assert values["PARTNER_TOKEN"] == IN_COMPOSE
        code = "import os; print(os.environ['MAIL_PASSWORD'] + os.environ['PARTNER_TOKEN'])"
        told = stage.run("exec", "web", "--", "python", "-c", code).expect().out
        assert told == f"{IN_STORE}{IN_COMPOSE}\n"

        stage.change("web/app/main.py", 'TITLE = "Inbox"', 'TITLE = "Post Room"')
        run("upgrade", "--output", "json", "--version=v2")
        stage.change("web/app/main.py", "import os", "import os; raise SystemExit(os.environ)")
        run("upgrade", code=1).says("'PARTNER_TOKEN': '")  # in its last log lines
        for words in ("status", "history", "verify", "plan"):
            run(words, "--verbose")
            run(words, "--output", "json")
        run("config", "show")
        run("config", "show", "--output", "json")
        run("config", "generate")
        run("secrets", "list", "--output", "json")
        run("rollback", "--verbose")

    for name, value in values.items():
        wanted = {form.decode() for form in forms(value)}
        assert not [d.command for d in said if any(w in d.text for w in wanted)], name
        assert not [a for a in arguments.seen if any(w in a for w in wanted)], name
        found = [f for f in holding(stage.home, value) if "/logs/web/" not in f]
        assert not found, f"{name} is in {found}"
        for place in (stage.temporary, Path("/dev/shm")):
            assert not holding(place, value), f"{name} is in {place}"
