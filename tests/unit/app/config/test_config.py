"""Loading, environments, and the schema as editors use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from slipway.app.compose import files as compose_files
from slipway.app.config import (
    choose_environment,
    default_environment,
    environments,
    find_config,
    load_config,
    parse_config,
    schema,
    settings_for,
)
from slipway.app.config.load import COMPOSE_NAMES
from slipway.errors import NotFoundError


def test_no_file_means_defaults() -> None:
    config = load_config(None)
    settings = settings_for(config, default_environment(config))
    assert settings.environment.name == "development"
    assert settings.keep_releases == 5
    assert settings.rollout.strategy == "blue-green"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "services:\nroutes:\n", "---\n"])
def test_an_empty_file_says_nothing(text: str) -> None:
    assert settings_for(parse_config(text), "development") == settings_for(
        load_config(None), "development"
    )


def test_sections_that_are_commented_out_are_empty() -> None:
    config = parse_config("services:\n  web:\n    # role: web\nenvironments:\n  staging:\n")
    assert settings_for(config, "staging").services == {"web": {}}


def test_extensions_and_anchors() -> None:
    text = "x-probe: &p {http: /ready}\nservices: {a: {readiness: *p}, b: {x-note: 1}}"
    config = parse_config(text)
    services = settings_for(config, "development").services
    assert services == {"a": {"readiness": {"http": "/ready"}}, "b": {}}


def test_only_production_is_protected_by_itself() -> None:
    config = parse_config("environments: {production: {}, calm: {protected: true}, staging: {}}")
    protected = {
        name: settings_for(config, name).environment.protected
        for name in ("development", "staging", "production", "calm")
    }
    assert protected == {"development": False, "staging": False, "production": True, "calm": True}
    off = parse_config("environments: {production: {protected: false}}")
    assert not settings_for(off, "production").environment.protected


def test_the_command_line_names_the_platform_last() -> None:
    config = parse_config("environments: {staging: {platform: written}}")
    assert settings_for(config, "staging").environment.platform == "written"
    assert settings_for(config, "staging", "asked").environment.platform == "asked"
    assert settings_for(config, "other").environment.platform is None


def test_environments_are_those_written_and_those_with_variables(tmp_path: Path) -> None:
    for name in (".env", ".env.qa", ".env.example", ".env.local", ".env.staging"):
        (tmp_path / name).touch()
    config = parse_config("default_environment: staging\nenvironments: {production: {}}")
    assert environments(tmp_path, config) == ("staging", "production", "qa")
    assert environments(tmp_path, load_config(None)) == ("development", "qa", "staging")


def test_which_environment_is_meant(tmp_path: Path) -> None:
    config = parse_config("default_environment: staging\nenvironments: {production: {}}")
    assert choose_environment(tmp_path, config, None) == "staging"
    assert choose_environment(tmp_path, config, "production") == "production"
    assert choose_environment(tmp_path, config, "development") == "development"
    assert choose_environment(tmp_path, load_config(None), "anything") == "anything"
    with pytest.raises(NotFoundError, match="production"):
        choose_environment(tmp_path, config, "prodction")


def test_a_probe_of_another_kind_replaces_the_probe() -> None:
    config = parse_config(
        """
        services:
          a: {readiness: {http: /x, timeout: 1s, headers: {A: 1}}}
          b: {readiness: {http: /x, timeout: 1s, headers: {A: 1}}}
          c: {readiness: /x}
        environments:
          e:
            services:
              a: {readiness: {tcp: 80}}
              b: {readiness: {headers: {B: 2}, retries: 9}}
              c: {readiness: false}
        """
    )
    services = settings_for(config, "e").services
    assert services["a"]["readiness"] == {"tcp": 80}
    assert services["b"]["readiness"] == {
        "http": "/x",
        "timeout": 1.0,
        "headers": {"A": "1", "B": "2"},
        "retries": 9,
    }
    assert services["c"]["readiness"] is False
    assert settings_for(config, "other").services["a"]["readiness"]["http"] == "/x"


def test_smoke_tests_have_short_forms() -> None:
    config = parse_config(
        "smoke_tests: [{path: /}, {path: /hook, json: {a: 1}, expect: 2xx, within: 1m}]"
    )
    first, second = settings_for(config, "development").smoke_tests
    assert (first.name, first.method, first.expect.status) == ("GET /", "GET", ("2xx",))
    assert (second.name, second.method, second.within) == ("POST /hook", "POST", 60.0)


def test_an_empty_list_of_smoke_tests_switches_them_off() -> None:
    config = parse_config("smoke_tests: [{path: /}]\nenvironments: {quiet: {smoke_tests: []}}")
    assert settings_for(config, "quiet").smoke_tests == ()
    assert len(settings_for(config, "loud").smoke_tests) == 1


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_config(tmp_path, None) == (None, "deploy.yaml")
    (tmp_path / "deploy.yml").touch()
    assert find_config(tmp_path, None) == (tmp_path / "deploy.yml", "deploy.yml")
    (tmp_path / "deploy.yaml").touch()
    assert find_config(tmp_path, None)[1] == "deploy.yaml"
    monkeypatch.chdir(tmp_path.parent)
    (tmp_path / "other.yaml").touch()
    assert find_config(tmp_path, "other.yaml") == (tmp_path / "other.yaml", "other.yaml")


def test_the_schema_is_a_schema_and_its_examples_hold() -> None:
    whole = schema()
    jsonschema_rs.meta.validate(whole)
    for name, part in whole["$defs"].items():
        validator = jsonschema_rs.validator_for({**part, "$defs": whole["$defs"]})
        for example in part.get("examples", ()):
            assert validator.is_valid(example), (name, example)


def test_every_key_is_explained() -> None:
    """Editors show descriptions; a key without one is a key that nobody finds."""
    whole = schema()
    parts = {"": whole, **whole["$defs"]}
    bare = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, value in part.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]
    assert bare == []


def test_the_names_of_compose_files_are_those_that_the_loader_knows() -> None:
    assert COMPOSE_NAMES == compose_files.NAMES


def test_an_app_without_deploy_yaml_is_named_without_reading_compose() -> None:
    """`status` starts here; the Compose loader is most of what it would import."""
    code = (
        "import sys; from slipway.app.assemble import LoadOptions; from slipway.app.config import "
        "load_config, settings_for; settings_for(load_config(None), 'x'); "
        "sys.exit('yaml' in sys.modules or 'jsonschema_rs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
