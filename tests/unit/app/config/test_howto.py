"""Every deploy.yaml snippet in the how-to pages is one that loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from slipway.app.assemble import LoadOptions, load_app
from slipway.app.config import parse_config, settings_for
from slipway.app.model import App

HOWTO = Path(__file__).parents[4] / "docs" / "howto"
PAGES = [HOWTO / "deploy-yaml.md", HOWTO / "rollouts.md"]
SNIPPETS = [
    text
    for page in PAGES
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
]
OWN = [text for text in SNIPPETS if not text.startswith("# compose.yaml")]
COMPOSE = [text for text in SNIPPETS if text.startswith("# compose.yaml")]


def load(directory: Path, text: str) -> App:
    """An app that has every service that a snippet names."""
    config = parse_config(text)
    named = {
        *config.data.get("services", {}),
        *(each["service"] for each in config.data.get("routes", ())),
        "web",
    }
    compose = {"services": {name: {"image": name, "expose": ["8000"]} for name in sorted(named)}}
    (directory / "compose.yaml").write_text(yaml.safe_dump(compose))
    (directory / "compose.production.yaml").write_text("services: {}\n")
    (directory / "deploy.yaml").write_text(text)
    for environment in config.data["environments"]:
        assert settings_for(config, environment).environment.name == environment
        load_app(LoadOptions(directory=str(directory), environment=environment), {})
    return load_app(LoadOptions(directory=str(directory)), {}).app


@pytest.mark.parametrize("text", OWN, ids=lambda text: text.strip().splitlines()[0])
def test_a_snippet_loads(text: str, tmp_path: Path) -> None:
    assert load(tmp_path, text).services


def test_the_page_has_snippets_of_both_kinds() -> None:
    assert len(OWN) >= 10
    assert len(COMPOSE) == 1


def test_x_deploy_in_compose(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE[0])
    web = load_app(LoadOptions(directory=str(tmp_path)), {}).app.services["web"]
    assert web.probes.readiness is not None
    assert (web.probes.readiness.kind, web.probes.readiness.path) == ("http", "/ready")
    assert web.overrides["local"].run == "python -m shop"
