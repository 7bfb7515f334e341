"""Messages on their way in (the queue) and after they were classified (the table)."""

from datetime import datetime
from uuid import UUID

import celery
import redis
from kombu.exceptions import OperationalError as QueueError
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

__all__ = ["MessageQueue", "MessageStore", "QueueError"]

LATEST = """
    SELECT id, text, source, label, confidence, received_at, stored_at
    FROM messages
    WHERE (%(label)s::text IS NULL OR label = %(label)s)
      AND (%(source)s::text IS NULL OR source = %(source)s)
      AND (%(exclude_source)s::text IS NULL OR source <> %(exclude_source)s)
      AND (%(max_age)s::float8 IS NULL
           OR received_at > now() - make_interval(secs => %(max_age)s::float8))
    ORDER BY received_at DESC, id
    LIMIT %(limit)s
"""

COUNTS = """
    SELECT label, count(*) AS number
    FROM messages
    WHERE (%(exclude_source)s::text IS NULL OR source <> %(exclude_source)s)
    GROUP BY label
"""


class MessageStore:
    """Reads the table that the worker writes."""

    def __init__(self, database_url: str):
        self._pool = ConnectionPool(
            database_url,
            min_size=1,
            max_size=8,
            timeout=3.0,
            open=False,
            check=ConnectionPool.check_connection,
            kwargs={"connect_timeout": 3, "row_factory": dict_row, "autocommit": True},
        )

    def open(self) -> None:
        self._pool.open(wait=False)

    def close(self) -> None:
        self._pool.close()

    def check(self) -> None:
        """Raises if the table cannot be read."""
        with self._pool.connection(timeout=2.0) as connection:
            connection.execute("SELECT 1 FROM messages LIMIT 1")

    def latest(
        self,
        limit: int,
        label: str | None = None,
        source: str | None = None,
        exclude_source: str | None = None,
        max_age: float | None = None,
    ) -> list[dict]:
        wanted = {
            "limit": limit,
            "label": label,
            "source": source,
            "exclude_source": exclude_source,
            "max_age": max_age,
        }
        with self._pool.connection() as connection:
            return connection.execute(LATEST, wanted).fetchall()

    def counts(self, exclude_source: str | None = None) -> dict[str, int]:
        """How many messages there are of each label."""
        with self._pool.connection() as connection:
            rows = connection.execute(COUNTS, {"exclude_source": exclude_source}).fetchall()
        return {row["label"]: row["number"] for row in rows}


class MessageQueue:
    """Hands messages to the worker, by the name of its task."""

    def __init__(self, redis_url: str):
        timeouts = {"socket_connect_timeout": 2, "socket_timeout": 5}
        self._redis = redis.Redis.from_url(redis_url, **timeouts)
        self._celery = celery.Celery("web", broker=redis_url)
        self._celery.conf.update(
            task_default_queue="inbox", task_ignore_result=True, broker_transport_options=timeouts
        )

    def check(self) -> None:
        """Raises if the broker does not answer."""
        self._redis.ping()

    def put(self, message_id: UUID, text: str, source: str, received_at: datetime) -> None:
        """Raises QueueError if the broker cannot be reached."""
        self._celery.send_task(
            "inbox.classify",
            task_id=str(message_id),
            kwargs={
                "message_id": str(message_id),
                "text": text,
                "source": source,
                "received_at": received_at.isoformat(),
            },
            retry_policy={"max_retries": 2, "interval_start": 0.1, "interval_step": 0.2},
        )

    def close(self) -> None:
        self._celery.close()
        self._redis.close()
