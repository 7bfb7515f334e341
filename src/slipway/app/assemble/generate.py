"""Writing a deploy.yaml for an App: short, with comments, and meaning the same App.

What Slipway works out by itself is left out, but for each service's role, which people look
for first. What cannot be seen in an App (`variables`, `compose_files`, `profiles`) is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import msgspec

from slipway.app.assemble.references import host_names, mentions_of, ports_said
from slipway.app.assemble.roles import completed_targets
from slipway.app.assemble.routes import routes_of
from slipway.app.assemble.services import Part, first_port, make_service
from slipway.app.assemble.variables import is_harmless
from slipway.app.config.merge import DEFAULT_ENVIRONMENT, KEEP_RELEASES, settings_for
from slipway.app.config.model import DeployConfig, ServiceSettings
from slipway.app.known.names import can_generate, is_secret_name
from slipway.app.model import App, Port, Rollout, Route, SecretNeed, Service
from slipway.app.units import duration_text
from slipway.support.health.model import Expectation, Probe, Progress, SmokeTest
from slipway.support.secrets.placeholder import names_in

_HEAD = """\
# What Compose cannot say about deploying this app. Every key is optional.
# `deploy config schema` explains them all; `deploy config show` shows what comes of it.
"""
_COMMENTS = {
    "environments": "Named targets: `deploy install --env NAME`.",
    "services": "Roles, and how to ask each service whether it is ready (may traffic come?)\n"
    "# and alive (is it stuck?).",
    "routes": "The public ways in.",
    "rollout": "How a new revision takes over from the old one.",
    "smoke_tests": "Requests that must pass after each deploy.",
    "secrets": "How secrets are made; `false`: no secret, despite its name.",
}
_EXAMPLE = """
# environments:
#   production:
#     replicas: {%(service)s: 2}
#     variables: {LOG_LEVEL: info}
"""
_DURATIONS = ("timeout", "interval", "start_period")


def generate(app: App) -> str:
    """The text of a deploy.yaml. Loading it with the app's Compose files gives `app` again."""
    plain = _plain_services(app)
    document: dict[str, Any] = {"app": app.name}
    if app.environment.name != DEFAULT_ENVIRONMENT:
        document["default_environment"] = app.environment.name
    if app.keep_releases != KEEP_RELEASES:
        document["keep_releases"] = app.keep_releases
    sections = {
        "environments": _environment(app, plain),
        "services": {
            name: _service(service, plain[name]) for name, service in app.services.items()
        },
        "routes": _routes(app),
        "rollout": _changed(app.rollout, Rollout()),
        "smoke_tests": [_smoke_test(test) for test in app.smoke_tests],
        "secrets": _secrets(app),
    }
    text = _HEAD + _dump(document, flow=False)
    for key, section in sections.items():
        if section:
            text += f"\n# {_COMMENTS[key]}\n{_dump({key: section})}"
    if not sections["environments"]:
        text += _EXAMPLE % {"service": _first_web(app)}
    return text


def _plain_services(app: App) -> dict[str, Service]:
    """The services as they would be without a deploy.yaml."""
    specs: dict[str, Mapping[str, Any]] = {
        name: service.spec for name, service in app.services.items()
    }
    hosts = host_names(specs)
    mentions = {name: mentions_of(name, spec, hosts) for name, spec in specs.items()}
    said = ports_said(chain.from_iterable(mentions.values()))
    completed = completed_targets(specs.values())
    return {
        name: make_service(
            Part(
                name=name,
                spec=spec,
                settings=ServiceSettings(),
                files=(),
                references=(),
                completed=completed,
                publish=None,
                said=said.get(name),
                known=frozenset(specs),
                origin=None,
            )
        )
        for name, spec in specs.items()
    }


def _environment(app: App, plain: Mapping[str, Service]) -> dict[str, Any]:
    own = app.environment
    usual = settings_for(DeployConfig(), own.name).environment
    result: dict[str, Any] = _changed(own, usual)
    ports = {
        name: published
        for name, service in app.services.items()
        if (published := _published(service.ports)) != _published(plain[name].ports)
    }
    if ports:
        result["ports"] = ports
    return {own.name: result} if result else {}


def _published(ports: Iterable[Port]) -> int | None:
    return next((port.published for port in ports if port.protocol == "tcp"), None)


def _service(service: Service, plain: Service) -> dict[str, Any]:
    result: dict[str, Any] = {"role": service.role}
    if service.replicas != plain.replicas:
        result["replicas"] = service.replicas
    if service.expose != plain.expose and service.expose:
        result["port"] = service.expose[0]
    first = first_port(service.spec, result.get("port"), service.ports, service.expose)
    probes = service.probes
    for key, probe, usual in (
        ("readiness", probes.readiness, plain.probes.readiness),
        ("liveness", probes.liveness, plain.probes.liveness),
    ):
        if probe != usual or (probe and probe.kind == "http"):
            result[key] = _probe(probe, first)
    if probes.progress != plain.probes.progress and probes.progress:
        result["progress"] = _progress(probes.progress, first)
    if probes.deadline != plain.probes.deadline:
        result["deadline"] = duration_text(probes.deadline)
    for name, override in service.overrides.items():
        result[name] = msgspec.to_builtins(override)
    return result


def _probe(probe: Probe | None, first: int | None) -> Any:
    """In the short form where nothing else is said."""
    if probe is None:
        return False
    result: dict[str, Any] = {}
    changed = _changed(probe, Probe(kind=probe.kind))
    port = changed.pop("port", None)
    changed.pop("kind", None)
    if probe.kind == "http":
        result["http"] = changed.pop("path", "/")
        if port is not None and port != first:
            result["port"] = port
    elif probe.kind == "command":
        result["command"] = changed.pop("command")
    else:
        result[probe.kind] = port if port is not None else True
    for key in _DURATIONS:
        if key in changed:
            changed[key] = duration_text(changed[key])
    result |= changed
    return result["http"] if result.keys() == {"http"} else result


def _progress(progress: Progress, first: int | None) -> Any:
    result = _changed(progress, Progress())
    if progress.path is not None and progress.port == first:
        result.pop("port", None)
    return result["path"] if result.keys() == {"path"} else result


def _routes(app: App) -> list[dict[str, Any]]:
    """Only those of services whose routes are not what Compose says."""
    config = DeployConfig()
    bare = msgspec.structs.replace(settings_for(config, app.environment.name), routes=())
    usual = routes_of(app.services, bare, config)
    if usual == app.routes:
        return []
    differ = {name for name in app.services if _of(usual, name) != _of(app.routes, name)}
    told = [route for route in app.routes if route.service in differ]
    kept = [route for route in usual if route.service not in differ]
    if (*kept, *told) != app.routes:
        told = list(app.routes)
    return [msgspec.to_builtins(route) for route in told]


def _of(routes: Iterable[Route], service: str) -> list[Route]:
    return [route for route in routes if route.service == service]


def _smoke_test(test: SmokeTest) -> dict[str, Any]:
    result: dict[str, Any] = {"name": test.name}
    if test.method != ("GET" if test.body is None and test.json is None else "POST"):
        result["method"] = test.method
    changed = _changed(test, SmokeTest(name=test.name, method=test.method, path=""))
    expect = _changed(test.expect, Expectation())
    if len(test.expect.status) == 1 and "status" in expect:
        expect["status"] = test.expect.status[0]
    if "latency" in expect:
        expect["latency"] = duration_text(expect["latency"])
    if "within" in changed:
        changed["within"] = duration_text(changed["within"])
    changed.pop("expect", None)
    result |= changed
    if expect:
        result["expect"] = expect
    return result


def _secrets(app: App) -> dict[str, Any]:
    told = {need.name: entry for need in app.secrets if (entry := _secret(need)) is not None}
    plain = {
        key: False
        for service in app.services.values()
        for key, value in service.environment.items()
        if is_secret_name(key) and value and not is_harmless(value) and not names_in(value)
    }
    return {**told, **plain}


def _secret(need: SecretNeed) -> dict[str, Any] | None:
    entry: dict[str, Any] = {}
    if need.generate != can_generate(need.name):
        entry["generate"] = need.generate
    if need.length != 32:
        entry["length"] = need.length
    named = is_secret_name(need.name) or "/" in need.name
    return entry if entry or not named else None


def _changed(value: msgspec.Struct, usual: msgspec.Struct) -> dict[str, Any]:
    """The fields that are not as usual, as plain data."""
    return {
        field: msgspec.to_builtins(getattr(value, field))
        for field in value.__struct_fields__
        if getattr(value, field) != getattr(usual, field)
    }


def _first_web(app: App) -> str:
    return next((each.name for each in app.services.values() if each.role == "web"), "web")


def _dump(data: Mapping[str, Any], *, flow: bool | None = None) -> str:
    import yaml

    return yaml.dump(
        dict(data),
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
        sort_keys=False,
        default_flow_style=flow,
        allow_unicode=True,
        width=96,
    )
