"""Where an app's files are looked for, and what never shows a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console
from rich.pretty import Pretty

from slipway.app.assemble import LoadOptions, load_app
from slipway.errors import ConfigError


def test_a_folder_below_finds_the_app_above(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'shop:$TAG'}}")
    (tmp_path / "deploy.yaml").write_text("keep_releases: 2")
    (tmp_path / ".env").write_text("TAG=7")
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    app = load_app(LoadOptions(directory=str(below)), {}).app
    assert (app.directory, app.keep_releases) == (str(tmp_path), 2)
    assert app.services["web"].image == "shop:7"


def test_compose_files_of_an_environment(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: shop}}")
    (tmp_path / "more.yaml").write_text("services: {web: {image: better}}")
    (tmp_path / "deploy.yaml").write_text(
        "environments: {production: {compose_files: [compose.yaml, more.yaml]}}"
    )
    folder = str(tmp_path)
    production = load_app(LoadOptions(directory=folder, environment="production"), {}).app
    assert production.services["web"].image == "better"
    assert production.files == ("compose.yaml", "more.yaml", "deploy.yaml")
    asked = LoadOptions(directory=folder, environment="production", files=("compose.yaml",))
    assert load_app(asked, {}).app.services["web"].image == "shop"
    assert load_app(LoadOptions(directory=folder), {}).app.services["web"].image == "shop"


def test_profiles_of_the_command_line_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services: {a: {image: x}, b: {image: x, profiles: [b]}, c: {image: x, profiles: [c]}}"
    )
    (tmp_path / "deploy.yaml").write_text("environments: {development: {profiles: [b]}}")
    app = load_app(LoadOptions(directory=str(tmp_path), profiles=("c",)), {}).app
    assert sorted(app.services) == ["a", "b", "c"]


def test_nothing_to_load(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no compose"):
        load_app(LoadOptions(directory=str(tmp_path / "nowhere")), {})


def test_a_dependency_cycle_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n"
    )
    with pytest.raises(ConfigError, match=r"cycle|circle") as caught:
        load_app(LoadOptions(directory=str(tmp_path)), {})
    assert caught.value.location is not None


def test_showing_what_was_loaded_shows_no_value(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services: {web: {image: shop, environment: {API_TOKEN: hunter2two}}}"
    )
    loaded = load_app(LoadOptions(directory=str(tmp_path)), {})
    assert loaded.sealed == {"API_TOKEN": "hunter2two"}
    console = Console(record=True, width=200)
    with console.capture() as pretty:
        console.print(Pretty(loaded))
    for shown in (repr(loaded), str(loaded), f"{loaded}", pretty.get()):
        assert "hunter2two" not in shown
