"""Reads a Dockerfile: text -> instructions -> stages with their variables filled in."""

from slipway.platforms.local.build.dockerfile.lexer import Instruction, read_instructions
from slipway.platforms.local.build.dockerfile.stages import (
    Action,
    Healthcheck,
    Stage,
    chain_of,
    read_stages,
)

__all__ = [
    "Action",
    "Healthcheck",
    "Instruction",
    "Stage",
    "chain_of",
    "read_instructions",
    "read_stages",
]
