"""Options before the command: `deploy -e staging status` means `deploy status -e staging`.

kubectl and Helm taught people to write flags anywhere. Without any command, it is `install`:
`deploy --env=development --wait --verify` is the whole of it.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

_WITH_VALUE = frozenset(
    {"-e", "--env", "--platform", "--config", "-C", "--project", "-f", "--file", "--profile",
     "-o", "--output", "--timeout"}
)  # fmt: skip
_OF_THE_PROGRAM = frozenset({"-h", "--help", "--version"})


def hoist(arguments: Sequence[str], commands: Container[str]) -> list[str]:
    """`arguments` with the command first."""
    leading: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        if rest[0] in _OF_THE_PROGRAM:
            return list(arguments) if not leading else [*rest[:1]]
        leading.append(_long(rest.pop(0)))
        if leading[-1] in _WITH_VALUE and rest:
            leading.append(rest.pop(0))
    if not leading:
        return list(arguments)
    if not rest:
        return ["install", *leading]
    if rest[0] not in commands:
        return [rest[0], *leading, *rest[1:]]
    return [rest[0], *_subcommand(rest), *leading, *rest[1 + len(_subcommand(rest)) :]]


def _long(option: str) -> str:
    """`-f` names a Compose file before the command, whatever it means after it (`logs -f`)."""
    return "--file" if option == "-f" else option


def _subcommand(rest: Sequence[str]) -> list[str]:
    """The second word of commands that have commands of their own."""
    nested = {"secrets", "config", "platform", "app", "canary"}
    if rest[0] in nested and len(rest) > 1 and not rest[1].startswith("-"):
        return [rest[1]]
    return []
