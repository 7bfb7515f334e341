"""A message, who classifies it, and where it is kept."""

from typing import NamedTuple

import httpx
from psycopg_pool import ConnectionPool

INSERT = """
    INSERT INTO messages (id, text, source, label, confidence, received_at)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (id) DO NOTHING
"""


class Message(NamedTuple):
    message_id: str
    text: str
    source: str
    received_at: str


class Model:
    def __init__(self, url: str):
        self._client = httpx.Client(base_url=url, timeout=20.0, trust_env=False)

    def classify(self, text: str) -> tuple[str, float]:
        """Raises httpx.HTTPError."""
        answer = self._client.post("/classify", json={"text": text}).raise_for_status().json()
        return str(answer["label"]), float(answer["confidence"])

    def close(self) -> None:
        self._client.close()


class Store:
    def __init__(self, database_url: str):
        self._pool = ConnectionPool(
            database_url,
            min_size=1,
            max_size=4,
            timeout=5.0,
            open=True,
            check=ConnectionPool.check_connection,
            kwargs={"connect_timeout": 5},
        )

    def add(self, message: Message, label: str, confidence: float) -> None:
        """Stores the message, once: again with the same id changes nothing."""
        row = (
            message.message_id,
            message.text,
            message.source,
            label,
            confidence,
            message.received_at,
        )
        with self._pool.connection() as connection:
            connection.execute(INSERT, row)

    def close(self) -> None:
        self._pool.close()
