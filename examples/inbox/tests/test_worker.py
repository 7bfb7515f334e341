import os

import celery.exceptions
import heartbeat
import httpx
import psycopg
import pytest
import tasks
from message import Message

FIELDS = {
    "message_id": "4a1f4f6e-6a3c-4b52-8b43-6d3c1f1f6a10",
    "text": "please pay",
    "source": "mail",
    "received_at": "2025-01-01T00:00:00+00:00",
}


class Parts:
    """The model and the store in one: what they raise, and what was stored."""

    def __init__(self):
        self.model_fails: Exception | None = None
        self.store_fails: Exception | None = None
        self.stored = []

    def classify(self, text):
        if self.model_fails:
            raise self.model_fails
        return "invoice", 0.9

    def add(self, message, label, confidence):
        if self.store_fails:
            raise self.store_fails
        self.stored.append((message, label, confidence))


@pytest.fixture
def parts(monkeypatch):
    parts = Parts()
    monkeypatch.setattr(tasks, "model", lambda: parts)
    monkeypatch.setattr(tasks, "store", lambda: parts)
    return parts


@pytest.fixture
def retries(monkeypatch):
    """The pauses, in seconds, that the task asked for."""
    pauses = []

    def retry(exc, countdown):
        pauses.append(countdown)
        return celery.exceptions.Retry(exc=exc, when=countdown)

    monkeypatch.setattr(tasks.classify, "retry", retry)
    return pauses


def answer(status: int) -> httpx.HTTPStatusError:
    response = httpx.Response(status, request=httpx.Request("POST", "http://model/classify"))
    return httpx.HTTPStatusError(str(status), request=response.request, response=response)


def test_a_message_is_stored_with_its_label(parts):
    tasks.classify(**FIELDS)
    assert parts.stored == [(Message(**FIELDS), "invoice", 0.9)]


@pytest.mark.parametrize(
    ("which", "error"),
    [
        ("model_fails", answer(503)),
        ("model_fails", httpx.ConnectError("refused")),
        ("model_fails", httpx.ReadTimeout("too slow")),
        ("store_fails", psycopg.OperationalError("gone")),
    ],
)
def test_what_may_pass_is_tried_again(parts, retries, which, error):
    setattr(parts, which, error)
    with pytest.raises(celery.exceptions.Retry):
        tasks.classify(**FIELDS)
    assert retries == [1]
    assert parts.stored == []


def test_a_text_that_the_model_refuses_is_not_tried_again(parts, retries):
    parts.model_fails = answer(422)
    with pytest.raises(httpx.HTTPStatusError):
        tasks.classify(**FIELDS)
    assert retries == []


def test_tries_get_rarer_but_never_outlast_the_visibility_timeout():
    pauses = [tasks.pause(retries) for retries in range(20)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) < tasks.app.conf.broker_transport_options["visibility_timeout"]


def test_messages_are_acknowledged_only_after_they_were_stored():
    assert tasks.classify.acks_late
    assert tasks.classify.max_retries is None


def test_the_sign_of_life_ages(tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "FILE", tmp_path / "beat")
    assert not heartbeat.is_fresh()
    heartbeat.beat()
    assert heartbeat.is_fresh()
    past = heartbeat.FILE.stat().st_mtime - heartbeat.FRESH - 1
    os.utime(heartbeat.FILE, (past, past))
    assert not heartbeat.is_fresh()
    heartbeat.clear()
    heartbeat.clear()
    assert not heartbeat.is_fresh()
