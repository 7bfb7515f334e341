"""The way from a folder to a `Project`: find, parse, interpolate, merge, make canonical, check."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from slipway.app.compose.canonical import canonical_layer
from slipway.app.compose.check import check_model
from slipway.app.compose.dotenv import read_dotenv
from slipway.app.compose.environment import with_environment, with_names
from slipway.app.compose.extends import Extender, Layer
from slipway.app.compose.files import find_files, read_text, shown_path
from slipway.app.compose.finish import finish_resources, finish_service, split_by_profiles
from slipway.app.compose.interpolate import BadTemplateError, Interpolator, Use, expand
from slipway.app.compose.merge import merge, without_nulls, without_repeats
from slipway.app.compose.model import Lookup, Project
from slipway.app.compose.node import Node, locations, plain, without_resets
from slipway.app.compose.parse import parse_documents
from slipway.app.compose.schema import check_schema
from slipway.errors import ConfigError, UsageError

_NOT_NAME = re.compile(r"[^a-z0-9_-]")
_MAX_INCLUDES = 50


def load_project(
    directory: Path,
    *,
    files: Sequence[str] = (),
    profiles: Sequence[str] = (),
    lookup: Lookup,
    name: str | None = None,
) -> Project:
    """Read the Compose project in `directory`, as `docker compose config` would.

    `files` are relative to `directory`; without them COMPOSE_FILE counts, then compose.yaml and
    its like there or in a directory above, with its override file. `profiles` and `name` fall
    back to COMPOSE_PROFILES and COMPOSE_PROJECT_NAME, asked of `lookup` like all variables.
    Reads files only. Raises ConfigError at file and line; UsageError for a `name` that is none.
    """
    home, paths, warnings = find_files(directory, files, lookup)
    loader = _Loader(home)
    documents = [loader.documents(path) for path in paths]
    project = _project_name(name, lookup, documents, home)

    def with_name(variable: str) -> str | None:
        return project if variable == "COMPOSE_PROJECT_NAME" else lookup(variable)

    interpolator = Interpolator(with_name)
    model = loader.model(paths, str(home), interpolator, ())
    active = tuple(profiles) or _split(lookup("COMPOSE_PROFILES"))
    root, disabled = _finished(model, project, str(home), active, interpolator, loader.shown)
    return Project(
        name=project,
        directory=str(home),
        files=tuple(loader.read),
        data=plain(root),
        locations=locations(root),
        variables=tuple(interpolator.variables),
        warnings=(*warnings, *interpolator.warnings.values()),
        disabled=tuple(disabled),
    )


def _split(value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (value or "").split(",") if part.strip())


def _project_name(name: str | None, lookup: Lookup, documents: list[list[Node]], home: Path) -> str:
    """The name asked for, the file's, or the folder's, in the letters that Compose allows."""
    asked = name or lookup("COMPOSE_PROJECT_NAME")
    if asked:
        if _normal_name(asked) != asked:
            raise UsageError(
                f"`{asked}` cannot be a project's name",
                hint="use small letters, digits, `-` and `_`, and start with a letter or digit",
            )
        return asked
    for document in (node for file in reversed(documents) for node in reversed(file)):
        written = document.get("name")
        if written is not None and isinstance(written.value, str):
            return _normal_name(_expanded_name(written, lookup)) or "app"
    return _normal_name(home.name) or "app"


def _expanded_name(written: Node, lookup: Lookup) -> str:
    try:
        return expand(written.value, lookup, _forget)
    except BadTemplateError as problem:
        raise written.error(f"name: {problem}") from None


def _forget(use: Use, found: bool) -> None:
    """The document's own interpolation remembers the variables in `name:`."""
    del use, found


def _normal_name(name: str) -> str:
    return _NOT_NAME.sub("", name.lower()).lstrip("_-")


def _finished(
    model: Node,
    project: str,
    home: str,
    profiles: Sequence[str],
    interpolator: Interpolator,
    shown: partial[str],
) -> tuple[Node, dict[str, Node]]:
    """The whole canonical document, checked; and the services that it leaves out."""
    services = model.get("services") or model.new({})
    enabled, disabled = split_by_profiles(services, profiles)
    done = {}
    for key, service in enabled.items().items():
        complete = with_environment(key, service, interpolator, shown)
        done[key] = finish_service(complete, home, disabled)
    finished = enabled.new(done)
    check_model(finished, disabled, model)
    root = {"name": model.get("name") or model.new(project), "services": finished}
    root["name"] = root["name"].new(project)
    root.update(finish_resources(model, finished, project))
    root.update({k: node for k, node in model.items().items() if k.startswith("x-")})
    return model.new(root), disabled


class _Loader:
    """Reads files once each, and knows how the user would name them."""

    def __init__(self, home: Path) -> None:
        self.read: list[str] = []
        self.shown = partial(shown_path, directory=str(home))
        self._documents: dict[Path, list[Node]] = {}

    def documents(self, path: Path, named_by: Node | None = None) -> list[Node]:
        """The documents in one file."""
        if path in self._documents:
            return self._documents[path]
        shown = self.shown(path)
        if named_by is not None and not path.is_file():
            raise named_by.error(f"the file {shown} does not exist", "check the path")
        found = parse_documents(read_text(path, shown), shown)
        if not found:
            raise Node(None, shown, 1).error(f"{shown} is empty", "it needs at least `services:`")
        self.read.append(shown)
        self._documents[path] = found
        return found

    def model(
        self,
        paths: Sequence[Path],
        directory: str,
        interpolator: Interpolator,
        chain: tuple[Path, ...],
        named_by: Node | None = None,
    ) -> Node:
        """The merged layers of `paths` with what they include. Raises ConfigError."""
        merged: Node | None = None
        for path in paths:
            for found in self.documents(path, named_by):
                document = found if merged is None else without_nulls(found)
                layer = self._layer(document, path, directory, interpolator)
                root = self._include(layer, directory, interpolator, (*chain, path))
                merged = without_resets(root) if merged is None else merge(merged, root)
        if merged is None:
            raise ConfigError("there is no Compose file to read")
        return merged

    def _layer(
        self, document: Node, path: Path, directory: str, interpolator: Interpolator
    ) -> Layer:
        def load(file: Node) -> Layer:
            other = Path(str(file.value))
            layers = [
                self._canonical(found, str(other.parent), interpolator)
                for found in self.documents(other, file)
            ]
            root = layers[0]
            for layer in layers[1:]:
                root = merge(root, layer)
            return Layer(root, str(other))

        root = self._canonical(document, directory, interpolator)
        return Extender(load).apply(Layer(root, str(path)))

    def _canonical(self, document: Node, directory: str, interpolator: Interpolator) -> Node:
        interpolated = interpolator.document(document)
        check_schema(interpolated)
        layer = canonical_layer(interpolated, directory)
        services = layer.get("services")
        if services is None:
            return layer
        tidy = {name: without_repeats(node) for name, node in services.items().items()}
        return layer.having(services=services.new(tidy))

    def _include(
        self, layer: Layer, directory: str, interpolator: Interpolator, chain: tuple[Path, ...]
    ) -> Node:
        """`layer` with the documents that it includes put under it."""
        own = layer.root.new({k: v for k, v in layer.root.items().items() if k != "include"})
        includes = layer.root.get("include")
        for entry in includes.elements() if includes is not None else ():
            own = _combined(own, self._included(entry, directory, interpolator, chain))
        return own

    def _included(
        self, entry: Node, directory: str, interpolator: Interpolator, chain: tuple[Path, ...]
    ) -> Node:
        paths = [Path(os.path.normpath(Path(directory, text))) for text in _texts(entry, "path")]
        if not paths:
            raise entry.error("an include needs a `path`", "add `path: FILE`")
        for path in paths:
            if path in chain or len(chain) > _MAX_INCLUDES:
                circle = " -> ".join(self.shown(p) for p in (*chain, path))
                raise entry.error(f"files include each other in a circle: {circle}")
        chosen = entry.scalar("project_directory")
        home = os.path.normpath(Path(directory, chosen)) if chosen else str(paths[0].parent)
        inner = interpolator.within(self._include_lookup(entry, directory, home, interpolator))
        model = self.model(paths, home, inner, chain, entry)
        services = model.get("services")
        if services is None:
            return model
        named = {k: with_names(k, node, inner) for k, node in services.items().items()}
        return model.having(services=services.new(named))

    def _include_lookup(
        self, entry: Node, directory: str, home: str, interpolator: Interpolator
    ) -> Lookup:
        named = [Path(directory, text) for text in _texts(entry, "env_file") if entry.items()]
        usual = Path(home, ".env")
        values: dict[str, str] = {}
        for path in named or ([usual] if usual.is_file() else []):
            if not path.is_file():
                raise entry.error(f"the env_file {self.shown(path)} does not exist", "create it")
            values |= read_dotenv(path, interpolator.lookup, self.shown(path))

        def lookup(name: str) -> str | None:
            value = interpolator.lookup(name)
            return values.get(name) if value is None else value

        return lookup


def _texts(entry: Node, key: str) -> list[str]:
    """`path` and its like: one text, several, or the entry itself as a text."""
    if isinstance(entry.value, str):
        return [entry.value] if key == "path" else []
    node = entry.get(key)
    if node is None or node.value is None:
        return []
    values = node.value if isinstance(node.value, list) else [node]
    return [str(value.value) for value in values]


def _combined(own: Node, included: Node) -> Node:
    """Both; the same name may be in both only if it says the same."""
    result = dict(own.items())
    for section, theirs in included.items().items():
        if section in ("name", "version", "include") or section.startswith("x-"):
            continue
        mine = result.get(section)
        entries = dict(mine.items()) if mine is not None else {}
        for name, node in theirs.items().items():
            if name in entries and plain(entries[name]) != plain(node):
                raise entries[name].error(
                    f"{section}.{name} is also in the included {node.file}, and differs",
                    "rename one of them, or change it in compose.override.yaml",
                )
            entries.setdefault(name, node)
        result[section] = (mine or theirs).new(entries)
    return own.new(result)
