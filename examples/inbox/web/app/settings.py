"""What the environment says about how to run."""

from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(Exception):
    """A variable is missing or wrong."""


@dataclass(frozen=True)
class Settings:
    database_url: str
    redis_url: str
    model_url: str
    secret_key: str
    require_signature: bool = False
    version: str = "dev"
    release: str | None = None
    environment: str = "development"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        return cls(
            database_url=required(environ, "DATABASE_URL"),
            redis_url=required(environ, "REDIS_URL"),
            model_url=required(environ, "MODEL_URL"),
            secret_key=required(environ, "SECRET_KEY"),
            require_signature=environ.get("WEBHOOK_REQUIRE_SIGNATURE", "").lower() in TRUE,
            version=environ.get("DEPLOY_VERSION") or "dev",
            release=environ.get("DEPLOY_RELEASE") or None,
            environment=environ.get("DEPLOY_ENVIRONMENT") or "development",
        )


TRUE = ("1", "true", "yes", "on")


def required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set")
    return value
