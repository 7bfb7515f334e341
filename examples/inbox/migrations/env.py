"""How Alembic reaches the database: one run at a time, and never waiting long for a lock."""

import os
from logging.config import fileConfig

from alembic import context
from sqlalchemy import create_engine, pool, text

ONE_AT_A_TIME = 731_944_201  # any number that nothing else uses for an advisory lock

fileConfig(context.config.config_file_name)


def url() -> str:
    return os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)


def run() -> None:
    engine = create_engine(url(), poolclass=pool.NullPool, connect_args={"connect_timeout": 10})
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            context.run_migrations()


def show() -> None:
    """The SQL instead of its execution: `alembic upgrade head --sql`."""
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    show()
else:
    run()
