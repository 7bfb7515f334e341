"""Reads a Dockerfile: text -> instructions -> stages with their variables filled in."""

from slipway.platforms.local.build.dockerfile.chain import chain_of, find_stage
from slipway.platforms.local.build.dockerfile.lexer import Instruction, read_instructions
from slipway.platforms.local.build.dockerfile.stages import (
    Action,
    Healthcheck,
    Stage,
    read_stages,
)

__all__ = [
    "Action",
    "Healthcheck",
    "Instruction",
    "Stage",
    "chain_of",
    "find_stage",
    "read_instructions",
    "read_stages",
]
