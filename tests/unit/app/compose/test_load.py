"""What a project says beside its data: places, variables, warnings, files and names."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.app.compose import Lookup, load_project
from slipway.app.model import Origin
from slipway.errors import ConfigError, UsageError
from slipway.support.secrets.placeholder import placeholder


def nothing(name: str) -> None:
    return None


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def answers(**values: str) -> Lookup:
    return values.get


BASE = """\
x-common: &common
  restart: always
  environment:
    LEVEL: info
services:
  web:
    <<: *common
    image: app
    ports:
      - "80:80"
      - "8000-8001:8000-8001"
"""
OVERRIDE = """\
services:
  web:
    environment:
      LEVEL: debug
      ADDED: 1
    ports: ["81:81"]
"""


def test_every_value_keeps_the_place_of_the_winner(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", BASE)
    write(tmp_path, "compose.override.yaml", OVERRIDE)
    places = load_project(tmp_path, lookup=nothing).locations
    assert places["services.web"] == Origin(file="compose.yaml", line=6)
    assert places["services.web.image"] == Origin(file="compose.yaml", line=8)
    assert places["services.web.restart"] == Origin(file="compose.yaml", line=2)
    assert places["services.web.environment.LEVEL"] == Origin(file="compose.override.yaml", line=4)
    assert places["services.web.environment.ADDED"] == Origin(file="compose.override.yaml", line=5)
    assert places["services.web.ports[0].target"] == Origin(file="compose.yaml", line=10)
    assert places["services.web.ports[2]"] == Origin(file="compose.yaml", line=11)
    assert places["services.web.ports[3]"] == Origin(file="compose.override.yaml", line=6)


def test_values_of_an_env_file_are_located_in_it(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services: {web: {image: app, env_file: conf/web.env}}")
    write(tmp_path, "conf/web.env", "# first\nA=1\nB='two\nlines'\nC=3\n")
    project = load_project(tmp_path, lookup=nothing)
    where = project.locations
    assert where["services.web.environment.A"] == Origin(file="conf/web.env", line=2)
    assert where["services.web.environment.C"] == Origin(file="conf/web.env", line=5)


def test_remembers_each_use_of_a_variable(tmp_path: Path) -> None:
    write(
        tmp_path,
        "compose.yaml",
        "services:\n  web:\n    image: app:${TAG:-latest}\n    environment:\n"
        "      - TOKEN\n      - URL=http://${HOST?which host}\n",
    )
    used = load_project(tmp_path, lookup=answers(HOST="example.com")).variables
    assert [(v.name, v.operator, v.default, v.message, v.found, v.where) for v in used] == [
        ("TAG", ":-", "latest", None, False, "services.web.image"),
        ("HOST", "?", None, "which host", True, "services.web.environment[1]"),
        ("TOKEN", "", None, None, False, "services.web.environment.TOKEN"),
    ]
    assert [variable.origin.line for variable in used] == [3, 6, 5]


def test_placeholders_of_secrets_pass_through_untouched(tmp_path: Path) -> None:
    secret = placeholder("DB_PASSWORD")
    write(
        tmp_path,
        "compose.yaml",
        "services:\n  web:\n    image: app\n    command: run --password $DB_PASSWORD -v\n"
        "    environment: {URL: 'postgres://app:${DB_PASSWORD:?}@db/app', DB_PASSWORD: }\n",
    )
    web = load_project(tmp_path, lookup=answers(DB_PASSWORD=secret)).data["services"]["web"]
    assert web["command"] == ["run", "--password", secret, "-v"]
    assert web["environment"] == {
        "URL": f"postgres://app:{secret}@db/app",
        "DB_PASSWORD": secret,
    }


def test_a_value_looked_up_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services: {web: {image: app, environment: {A: '$B'}}}")
    web = load_project(tmp_path, lookup=answers(B="$C ${D:?} $$")).data["services"]["web"]
    assert web["environment"]["A"] == "$C ${D:?} $$"


def test_warns_of_each_unset_variable_once(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services:\n  web:\n    image: a$TAG\n    user: b$TAG\n")
    assert load_project(tmp_path, lookup=nothing).warnings == (
        "compose.yaml:3: the variable TAG is not set; empty text is used for it",
    )


def test_finds_the_project_in_a_directory_above(tmp_path: Path) -> None:
    write(tmp_path, "shop/docker-compose.yml", "services: {web: {build: .}}")
    inside = tmp_path / "shop/src/deep"
    inside.mkdir(parents=True)
    project = load_project(inside, lookup=nothing)
    assert project.directory == str(tmp_path / "shop")
    assert project.files == ("docker-compose.yml",)
    assert project.name == "shop"
    assert project.data["services"]["web"]["build"]["context"] == str(tmp_path / "shop")


def test_named_files_are_read_in_order_from_the_first_ones_directory(tmp_path: Path) -> None:
    write(tmp_path, "deploy/base.yaml", "services: {web: {image: one, volumes: ['./a:/a']}}")
    write(tmp_path, "more.yaml", "services: {web: {image: two, volumes: ['./b:/b']}}")
    files = ("deploy/base.yaml", "more.yaml")
    project = load_project(tmp_path, files=files, lookup=nothing)
    web = project.data["services"]["web"]
    assert project.directory == str(tmp_path / "deploy")
    assert project.files == ("base.yaml", "../more.yaml")
    assert web["image"] == "two"
    assert [mount["source"] for mount in web["volumes"]] == [
        str(tmp_path / "deploy/a"),
        str(tmp_path / "deploy/b"),
    ]


def test_files_that_are_extended_and_included_are_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        "compose.yaml",
        "include: [inc.yaml]\nservices: {web: {extends: {file: base.yaml, service: b}}}",
    )
    write(tmp_path, "inc.yaml", "services: {db: {image: db}}")
    write(tmp_path, "base.yaml", "services: {b: {image: b}}")
    files = load_project(tmp_path, lookup=nothing).files
    assert sorted(files) == ["base.yaml", "compose.yaml", "inc.yaml"]


@pytest.mark.parametrize(
    ("asked", "variables", "expected"),
    [
        ("given", {"COMPOSE_PROJECT_NAME": "variable"}, "given"),
        (None, {"COMPOSE_PROJECT_NAME": "variable"}, "variable"),
        (None, {"X": "y"}, "file-y"),
    ],
)
def test_the_name_is_the_one_asked_for_first(
    tmp_path: Path, asked: str | None, variables: dict[str, str], expected: str
) -> None:
    text = "name: File-${X}\nservices: {web: {image: '$COMPOSE_PROJECT_NAME'}}"
    write(tmp_path, "compose.yaml", text)
    project = load_project(tmp_path, lookup=variables.get, name=asked)
    assert project.name == project.data["name"] == expected
    assert project.data["services"]["web"]["image"] == expected


def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services: {web: {image: app}}")
    with pytest.raises(UsageError):
        load_project(tmp_path, lookup=nothing, name="My App")


def test_services_left_out_by_profiles_are_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        "compose.yaml",
        "services: {a: {image: a}, b: {image: b, profiles: [x]}, c: {image: c, profiles: [y]}}",
    )
    assert load_project(tmp_path, lookup=nothing).disabled == ("b", "c")
    assert load_project(tmp_path, lookup=nothing, profiles=["x"]).disabled == ("c",)


def test_all_missing_variables_are_named_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        "compose.yaml",
        "services:\n  a:\n    image: ${A:?first}\n    user: ${B:?}\n    hostname: ${A:?}\n",
    )
    with pytest.raises(ConfigError) as raised:
        load_project(tmp_path, lookup=nothing)
    assert raised.value.message == "the variable A is required and not set: first"
    assert raised.value.details == ("compose.yaml:4: B is missing too",)


def test_long_chains_are_no_recursion(tmp_path: Path) -> None:
    lines = ["services:", "  s0: {image: app}"]
    lines += [f"  s{i}: {{image: app, depends_on: [s{i - 1}]}}" for i in range(1, 3000)]
    write(tmp_path, "compose.yaml", "\n".join(lines))
    assert len(load_project(tmp_path, lookup=nothing).data["services"]) == 3000


def test_a_chain_of_extends_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    lines = ["services:", "  s0: {image: app}"]
    lines += [f"  s{i}: {{extends: s{i - 1}}}" for i in range(1, 2000)]
    write(tmp_path, "compose.yaml", "\n".join(reversed([*lines[1:], "services:"])))
    with pytest.raises(ConfigError, match="more than 50 deep"):
        load_project(tmp_path, lookup=nothing)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_project(tmp_path, files=["folder.yaml"], lookup=nothing)
    with pytest.raises(ConfigError, match="does not exist"):
        load_project(tmp_path, files=["gone.yaml"], lookup=nothing)


def test_without_the_c_parser_the_answer_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import yaml

    from slipway.app.compose import parse

    write(tmp_path, "compose.yaml", BASE)
    fast = load_project(tmp_path, lookup=nothing)
    monkeypatch.setattr(parse, "_Loader", yaml.SafeLoader)
    assert load_project(tmp_path, lookup=nothing) == fast
