"""`deploy diff`: which releases are meant, and what is said to differ between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from slipway.app.assemble import Loaded
from slipway.app.model import App, FileMount, SecretNeed, Volume
from slipway.cli.render.diff import diff_lines
from slipway.engine.compare import Comparison, compare_releases
from slipway.engine.prepare import Wanted, prepare_app
from slipway.errors import NotFoundError, RefusedError
from slipway.support.health.model import Probe, Probes, SmokeTest
from slipway.support.secrets.placeholder import placeholder
from slipway.testing.apps import Site, inbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def loader(app: App) -> Callable[[], Loaded]:
    return lambda: Loaded(app=app, sealed={}, needs=app.secrets)


def changed(app: App, name: str, **fields: object) -> App:
    service = msgspec.structs.replace(app.services[name], **fields)
    return msgspec.structs.replace(app, services={**app.services, name: service})


def with_variable(app: App, name: str, **variables: str) -> App:
    return changed(app, name, environment={**app.services[name].environment, **variables})


async def diff(site: Site, *names: str, tree: App | None = None) -> Comparison:
    return await compare_releases(site.workspace, names, loader(tree or inbox()))


async def said(site: Site, before: App, after: App) -> dict[str, list[str]]:
    """What differs, by subject, as `WHAT: BEFORE -> AFTER`."""
    await site.deploy(before, label="v1")
    found = await diff(site, tree=after)
    return {
        each.subject: [f"{d.what}: {d.before} -> {d.after}" for d in each.differences]
        + ([each.reason] if each.reason else [])
        for each in found.compared
        if each.action == "change"
    }


async def test_two_releases_by_label_or_number(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    await site.deploy(inbox(web="2"), label="v2")
    await site.deploy(inbox(web="3"), label="v3")
    found = await diff(site, "v1", "2")
    assert (found.before.label, found.after.label, found.same) == ("v1", "v2", False)
    assert [c.subject for c in found.compared if c.action != "keep"] == ["web"]


async def test_one_release_is_compared_with_the_current_one(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    await site.deploy(inbox(web="2"), label="v2")
    found = await diff(site, "v1")
    assert (found.before.number, found.after.number) == (1, 2)
    assert (await diff(site, "v2")).same


async def test_none_compares_with_the_working_tree_and_writes_nothing(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    before = {key: site.store.read(key) for key in site.store.keys()}
    assert (await diff(site)).same
    found = await diff(site, tree=inbox(web="2"))
    assert (found.same, found.after_made, found.after.number) == (False, False, 2)
    assert {key: site.store.read(key) for key in site.store.keys()} == before


async def test_it_agrees_with_what_an_upgrade_would_make(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    tree = with_variable(inbox(model="2"), "web", LEVEL="debug")
    prepared = await prepare_app(site.workspace, loader(tree)(), Wanted(verb="upgrade"))
    found = await diff(site, tree=tree)
    assert prepared.plan.release is not None
    assert found.after.services == prepared.plan.release.services


async def test_code_and_what_stands_on_it(site: Site) -> None:
    found = await said(site, inbox(), inbox(model="2"))
    assert "code: model:1 -> model:2" in found["model"]
    assert found["worker"] == ["it depends on model"]
    assert found.keys() == {"model", "worker"}


async def test_variables_commands_images_replicas_and_probes_by_name(site: Site) -> None:
    probe = Probe(kind="http", port=8000, path="/live")
    after = changed(with_variable(inbox(), "worker", LEVEL="debug"), "worker", replicas=3)
    after = changed(after, "web", command=("serve", "--fast"), probes=Probes(readiness=probe))
    after = changed(after, "db", image="postgres:17")
    assert await said(site, inbox(), after) == {
        "db": ["image: postgres:16 -> postgres:17"],
        "worker": ["environment.LEVEL: None -> debug", "replicas: 1 -> 3"],
        "web": ["command: None -> serve --fast", "readiness.path: /ready -> /live"],
    }


async def test_routes_volumes_smoke_tests_and_the_rollout(site: Site) -> None:
    after = inbox()
    route = msgspec.structs.replace(after.routes[0], listen=8001)
    after = msgspec.structs.replace(
        after,
        routes=(route,),
        volumes={**after.volumes, "cache": Volume(name="cache")},
        smoke_tests=(SmokeTest(name="home"),),
        rollout=msgspec.structs.replace(after.rollout, strategy="rolling"),
    )
    found = await said(site, inbox(), after)
    assert found["web"] == ["route / to port 8000.listen: 8000 -> 8001"]
    assert found["app"] == [
        'volume.cache: None -> {"name":"cache"}',
        'smoke test home: None -> {"name":"home"}',
        "rollout.strategy: blue-green -> rolling",
    ]


async def test_services_that_come_and_go(site: Site) -> None:
    less = inbox()
    less = msgspec.structs.replace(
        less, services={n: s for n, s in less.services.items() if n != "worker"}
    )
    await site.deploy(less, label="v1")
    await site.deploy(inbox(), label="v2")
    there = {c.subject: c.action for c in (await diff(site, "v1", "v2")).compared}
    assert there["worker"] == "add"
    back = {c.subject: c.action for c in (await diff(site, "v2", "v1")).compared}
    assert back["worker"] == "remove"


async def test_a_secret_is_told_by_name_and_version(site: Site) -> None:
    need = SecretNeed(name="TOKEN", services=("web",))
    app = with_variable(inbox(), "web", TOKEN=placeholder("TOKEN"))
    app = msgspec.structs.replace(app, secrets=(need,))
    await site.deploy(app, label="v1")
    value = site.workspace.secrets.get("TOKEN")
    site.workspace.secrets.set_many({"TOKEN": "entirely-another-value"}, source="typed")
    found = await diff(site, tree=app)
    shown = "\n".join(diff_lines(found))
    assert "secret TOKEN: version 1 -> version 2" in shown
    assert value not in shown
    assert "entirely-another" not in shown


async def test_text_in_a_mounted_file_is_not_shown(site: Site) -> None:
    def app(text: str) -> App:
        mounted = FileMount(kind="config", source="nginx", target="/etc/nginx.conf", content=text)
        return changed(inbox(), "web", files=(mounted,))

    assert await said(site, app("one"), app("two")) == {
        "web": ["files /etc/nginx.conf.content: (a text) -> (another text)"]
    }


@pytest.mark.parametrize("names", [("v9",), ("v1", "9"), ("9", "v1"), ("",)])
async def test_releases_that_do_not_exist_list_those_that_do(
    site: Site, names: tuple[str, ...]
) -> None:
    await site.deploy(inbox(), label="v1")
    with pytest.raises(NotFoundError, match="does not exist") as raised:
        await diff(site, *names)
    assert raised.value.details == ("1  v1",)


async def test_nothing_is_installed(site: Site) -> None:
    with pytest.raises(RefusedError, match="nothing is installed"):
        await diff(site)
    with pytest.raises(NotFoundError, match="does not exist"):
        await diff(site, "v1")


async def test_every_line_fits(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "a-rather-long-value-" * 12
    await site.deploy(with_variable(inbox(), "web", LIST="a,b " * 60), label="v1")
    found = await diff(site, tree=with_variable(inbox(), "web", LIST=long, NAME="x" * 70))
    lines = diff_lines(found)
    assert max(map(len, lines)) <= 80
    assert long in "".join(line.strip("+ ") for line in lines)
