"""An App for people: what `config show` prints."""

from __future__ import annotations

from slipway.app.model import App, Service
from slipway.cli.render.style import paint, table
from slipway.support.health.model import Probe
from slipway.support.secrets.placeholder import reveal


def app_lines(app: App) -> list[str]:
    """Services with role, source and probes; routes; secrets by name."""
    lines = [
        f"{paint(app.name, 'bold')} on {app.environment.name}, from {', '.join(app.files)}",
        "",
        *table(
            [
                ("SERVICE", "ROLE", "FROM", "READY WHEN", "AFTER"),
                *(_row(s) for s in app.services.values()),
            ]
        ),
    ]
    for route in app.routes:
        listen = f"port {route.listen}" if route.listen else "a free port"
        lines.append(f"route    {listen} -> {route.service}:{route.port} ({route.protocol})")
    lines += [
        f"secret   {need.name}" + ("" if need.generate else "  (only you can know it)")
        for need in app.secrets
    ]
    lines += [f"smoke    {t.name}: {t.method} {t.path}" for t in app.smoke_tests]
    for name, service in app.services.items():
        for key, value in service.environment.items():
            shown = reveal(value, lambda secret: f"(secret {secret})")
            lines.append(f"env      {name}.{key}={shown}")
    return lines


def _row(service: Service) -> tuple[str, ...]:
    source = "build" if service.build else (service.image or "")
    after = ", ".join(d.service for d in service.depends_on)
    return (service.name, service.role, source, _probe(service.probes.readiness), after)


def _probe(probe: Probe | None) -> str:
    if probe is None:
        return "it stays up"
    if probe.kind == "http":
        return f"GET {probe.path} on {probe.port}"
    if probe.kind == "tcp":
        return f"port {probe.port} accepts"
    if probe.kind == "command":
        return " ".join(probe.command)[:40]
    return f"{probe.kind} answers"
