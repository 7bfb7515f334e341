"""Reuse: a service is shared exactly when nothing that decides its behaviour changed."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from slipway.app.model import App, Service
from slipway.plan.desired import Inputs, desired_release
from slipway.plan.release import Artifact, Release
from slipway.support.secrets.placeholder import placeholder
from slipway.testing.apps import inbox


def release(
    app: App, *, label: str = "v1", secrets: dict[str, int] | None = None, **artifacts: Artifact
) -> Release:
    made = {
        name: Artifact(kind="fake", id=f"{name}{s.environment.get('CODE')}")
        for name, s in app.services.items()
    }
    return desired_release(
        Inputs(
            app=app,
            platform="fake",
            artifacts={**made, **artifacts},
            secrets=secrets or {},
            label=label,
            number=1,
            created=0.0,
        )
    )


def changed(before: Release, after: Release) -> set[str]:
    return {
        name
        for name, entry in after.services.items()
        if (before.services[name].key, before.services[name].fingerprint)
        != (entry.key, entry.fingerprint)
    }


def replace(app: App, name: str, **changes: object) -> App:
    service = msgspec.structs.replace(app.services[name], **changes)
    return msgspec.structs.replace(app, services={**app.services, name: service})


def test_only_the_changed_service_and_what_stands_on_it_get_new_keys() -> None:
    before = release(inbox())
    assert changed(before, release(inbox())) == set()
    assert changed(before, release(inbox(web="2"))) == {"web"}
    assert changed(before, release(inbox(model="2"))) == {"model", "worker"}
    assert changed(before, release(inbox(migrate="2"))) == {"migrate", "worker", "web"}


def test_a_changed_database_changes_its_fingerprint_and_no_key() -> None:
    after = replace(inbox(), "db", image="postgres:17")
    assert changed(release(inbox()), release(after)) == {"db"}
    assert release(after).services["db"].key == ""


def test_probes_ports_and_replicas_do_not_restart_anything() -> None:
    after = replace(inbox(), "web", replicas=3, ports=(), spec={"ports": ["9:9"], "scale": 2})
    assert changed(release(inbox()), release(after)) == set()


def test_a_new_version_of_a_secret_changes_only_who_uses_it() -> None:
    app = replace(inbox(), "web", environment={"KEY": placeholder("KEY")})
    assert changed(release(app, secrets={"KEY": 1}), release(app, secrets={"KEY": 2})) == {"web"}
    assert release(app, secrets={"KEY": 2, "OTHER": 1}).secrets == {"KEY": 2}


def test_a_label_changes_only_services_that_read_it() -> None:
    reading = Artifact(kind="fake", id="web1", reads=("DEPLOY_VERSION",))
    before = release(inbox(), label="v1", web=reading)
    assert changed(before, release(inbox(), label="v2", web=reading)) == {"web"}
    assert changed(release(inbox()), release(inbox(), label="v2")) == set()


def test_the_folder_of_a_clean_checkout_does_not_count() -> None:
    spec = {"volumes": ["/nowhere/inbox/conf:/etc/conf"]}
    there = replace(inbox(), "web", spec=spec)
    moved = replace(inbox(), "web", spec={"volumes": ["/else/inbox/conf:/etc/conf"]})
    moved = msgspec.structs.replace(moved, directory="/else/inbox")
    assert changed(release(there), release(moved)) == set()


def test_services_that_name_each_other_have_keys_that_depend_on_both() -> None:
    app = replace(inbox(), "web", references=("worker",))
    app = replace(app, "worker", references=("web",))
    newer = replace(app, "web", environment={"CODE": "2"})
    assert changed(release(app), release(newer)) == {"web", "worker"}


@given(st.dictionaries(st.text(min_size=1), st.text()), st.dictionaries(st.text(), st.text()))
def test_keys_are_equal_exactly_when_the_environment_is(
    one: dict[str, str], other: dict[str, str]
) -> None:
    def with_environment(environment: dict[str, str]) -> App:
        web = Service(name="web", role="web", environment=environment)
        return msgspec.structs.replace(inbox(), services={"web": web}, routes=())

    same = release(with_environment(one), web=Artifact(kind="f", id="1")).services["web"].key
    key = release(with_environment(other), web=Artifact(kind="f", id="1")).services["web"].key
    assert (same == key) == (one == other)
