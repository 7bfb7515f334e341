"""The plan's diff: what changed, and why, in words; never a value of a secret."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec

from slipway.app.model import App, FileMount
from slipway.journal.releases import Releases
from slipway.plan.model import Change
from slipway.support.health.model import Probe, Probes
from slipway.support.secrets.placeholder import placeholder
from slipway.testing.apps import Site, inbox


def changes(folder: Path, before: App, after: App, label: str | None = None) -> dict[str, Change]:
    """The diff of an upgrade from one to the other, releases read back from the store."""
    site = Site(folder)

    async def go() -> tuple[Change, ...]:
        await site.deploy(before, label="v1")
        return (await site.deploy(after, label=label, dry_run=True)).plan.changes

    found = anyio.run(go)
    assert Releases(site.store).get(1).label == "v1"
    return {c.subject: c for c in found}


def with_environment(app: App, service: str, **environment: str) -> App:
    old = app.services[service]
    new = msgspec.structs.replace(old, environment={**old.environment, **environment})
    return msgspec.structs.replace(app, services={**app.services, service: new})


def test_what_is_unchanged_has_nothing_to_say(tmp_path: Path) -> None:
    found = changes(tmp_path, inbox(), inbox(web="2"))
    assert found["db"] == Change(action="keep", subject="db", summary="unchanged")
    assert found["worker"].details == ()


def test_a_changed_variable_is_named(tmp_path: Path) -> None:
    after = with_environment(inbox(), "worker", LEVEL="debug")
    found = changes(tmp_path, inbox(), after)["worker"]
    assert (found.action, found.details) == ("change", ("environment.LEVEL: (none) -> debug",))


def test_changed_code_is_named_and_what_stands_on_it_says_so(tmp_path: Path) -> None:
    found = changes(tmp_path, inbox(), inbox(model="2"))
    assert "code: model:1 -> model:2" in found["model"].details
    assert found["worker"].details == ("because of what it depends on",)


def test_a_label_that_a_service_reads_is_the_reason(tmp_path: Path) -> None:
    app = with_environment(inbox(), "web", READS_VERSION="yes")
    found = changes(tmp_path, app, app, label="v2")["web"]
    assert found.details == ("DEPLOY_VERSION, which it reads: v1 -> v2",)


def test_a_secret_is_shown_by_name(tmp_path: Path) -> None:
    after = with_environment(inbox(), "web", URL=f"redis://:{placeholder('PASSWORD')}@cache")
    found = changes(tmp_path, inbox(), after)["web"]
    assert found.details == ("environment.URL: (none) -> redis://:(secret PASSWORD)@cache",)


def test_a_changed_database_is_an_interruption(tmp_path: Path) -> None:
    db = msgspec.structs.replace(inbox().services["db"], image="postgres:17")
    after = msgspec.structs.replace(inbox(), services={**inbox().services, "db": db})
    found = changes(tmp_path, inbox(), after)["db"]
    assert found.action == "interrupt"
    assert found.details == ("image: postgres:16 -> postgres:17",)


def with_file(app: App, content: str) -> App:
    mounted = FileMount(kind="config", source="nginx", target="/etc/nginx.conf", content=content)
    web = msgspec.structs.replace(app.services["web"], files=(mounted,))
    return msgspec.structs.replace(app, services={**app.services, "web": web})


def test_a_changed_config_is_named_and_not_shown(tmp_path: Path) -> None:
    found = changes(tmp_path, with_file(inbox(), "one"), with_file(inbox(), "two"))["web"]
    assert found.details == ("config nginx (/etc/nginx.conf): changed",)


def test_a_changed_probe_is_named_to_the_point(tmp_path: Path) -> None:
    probe = Probe(kind="http", port=8000, path="/health")
    probes = Probes(readiness=probe)
    web = msgspec.structs.replace(inbox().services["web"], probes=probes, stop_grace=30.0)
    after = msgspec.structs.replace(inbox(), services={**inbox().services, "web": web})
    found = changes(tmp_path, inbox(), after)["web"]
    assert found.details == (
        "probes.readiness.path: /ready -> /health",
        "stop_grace: 10.0 -> 30.0",
    )
