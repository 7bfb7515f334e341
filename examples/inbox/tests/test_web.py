import json
from datetime import datetime
from uuid import UUID

import httpx
import psycopg
import pytest
from app.api import create_app
from app.messages import QueueError
from app.model import ModelNotReadyError, ModelState
from app.settings import Settings, SettingsError
from app.signature import HEADER, sign
from fastapi.testclient import TestClient

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://nowhere/inbox",
    "REDIS_URL": "redis://nowhere/0",
    "MODEL_URL": "http://nowhere",
    "SECRET_KEY": "a key for tests",
    "DEPLOY_VERSION": "v1<2",
    "DEPLOY_RELEASE": "7",
    "DEPLOY_ENVIRONMENT": "staging",
}


class Part:
    """Something that the app depends on: `broken` is what asking it raises."""

    broken: Exception | None = None

    def check(self):
        if self.broken:
            raise self.broken

    def open(self):
        pass

    def close(self):
        pass


class Store(Part):
    def __init__(self):
        self.asked = {}

    def latest(self, **wanted):
        self.check()
        self.asked = wanted
        return [{"id": "1", "text": "hi", "label": "sales"}]

    def counts(self, exclude_source):
        return {"sales": 1}


class Queue(Part):
    def __init__(self):
        self.messages = []

    def put(self, message_id: UUID, text: str, source: str, received_at: datetime):
        self.check()
        self.messages.append((str(message_id), text, source, received_at))


class Model(Part):
    def state(self):
        self.check()
        return ModelState(1.0, "ready")


class Web:
    """The app with parts of the tests' own, and a client of it."""

    def __init__(self, **environment: str):
        self.store, self.queue, self.model = Store(), Queue(), Model()
        settings = Settings.from_environment(ENVIRONMENT | environment)
        self.client = TestClient(
            create_app("In & Out", settings, self.store, self.queue, self.model)
        )


@pytest.fixture
def web():
    web = Web()
    with web.client:
        yield web


def test_the_page_shows_title_and_version_escaped(web):
    page = web.client.get("/").text
    assert "<h1>In &amp; Out</h1>" in page
    assert "v1&lt;2" in page
    assert "{{" not in page


def test_the_page_may_load_nothing_from_elsewhere(web):
    answer = web.client.get("/")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "http://" not in answer.text
    assert "https://" not in answer.text


def test_version(web):
    assert web.client.get("/version").json() == {
        "version": "v1<2",
        "release": "7",
        "environment": "staging",
    }


def test_ready_when_all_parts_are(web):
    answer = web.client.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "not_ready": [],
        "checks": {"database": {"ok": True}, "cache": {"ok": True}, "model": {"ok": True}},
    }


@pytest.mark.parametrize(
    ("part", "name"), [("store", "database"), ("queue", "cache"), ("model", "model")]
)
def test_not_ready_says_which_part_and_tells_no_secrets(web, part, name):
    getattr(web, part).broken = OSError("inbox:hunter2@db")
    answer = web.client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["not_ready"] == [name]
    assert answer.json()["checks"][name] == {"ok": False, "reason": "OSError"}
    assert web.client.get("/health").status_code == 200


def test_a_loading_model_says_how_far_it_is(web):
    web.model.broken = ModelNotReadyError("reading weights, 42%")
    assert web.client.get("/ready").json()["checks"]["model"]["reason"] == "reading weights, 42%"


def test_status_without_a_model(web):
    web.model.broken = httpx.ConnectError("refused")
    answer = web.client.get("/api/status")
    assert answer.status_code == 200
    assert answer.json()["model"] == {"ready": False, "progress": 0.0, "stage": "no answer"}


def test_a_webhook_is_queued_under_the_id_that_is_answered(web):
    answer = web.client.post("/webhook", json={"text": "hello", "source": "mail"})
    assert answer.status_code == 202
    [(message_id, text, source, received_at)] = web.queue.messages
    assert answer.json() == {"id": message_id, "status": "queued"}
    assert (text, source) == ("hello", "mail")
    assert received_at.tzinfo is not None


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x" * 10_001}, {"text": 5}, []])
def test_a_wrong_webhook_is_refused(web, body):
    assert web.client.post("/webhook", json=body).status_code == 422
    assert web.queue.messages == []


def test_a_huge_webhook_is_refused_unread(web):
    assert web.client.post("/webhook", content=b"x" * 70_000).status_code == 413


def test_a_webhook_is_not_accepted_if_it_cannot_be_queued(web):
    web.queue.broken = QueueError("refused")
    answer = web.client.post("/webhook", json={"text": "hello"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("required", "key", "status"),
    [
        ("false", None, 202),
        ("false", "a key for tests", 202),
        ("false", "another key", 401),
        ("true", None, 401),
        ("true", "a key for tests", 202),
        ("true", "another key", 401),
    ],
)
def test_signatures(required, key, status):
    web = Web(WEBHOOK_REQUIRE_SIGNATURE=required)
    body = json.dumps({"text": "signed"}).encode()
    headers = {"Content-Type": "application/json"}
    if key:
        headers[HEADER] = sign(key, body)
    assert web.client.post("/webhook", content=body, headers=headers).status_code == status
    assert len(web.queue.messages) == (status == 202)


def test_messages_pass_the_filter_on(web):
    answer = web.client.get("/api/messages?limit=5&label=sales&source=mail&max_age=60")
    assert answer.json()["messages"][0]["text"] == "hi"
    assert answer.json()["counts"] == {"sales": 1}
    assert web.store.asked == {
        "limit": 5,
        "label": "sales",
        "source": "mail",
        "exclude_source": None,
        "max_age": 60.0,
    }


def test_messages_without_a_database_are_unavailable(web):
    web.store.broken = psycopg.OperationalError("inbox:hunter2@db")
    answer = web.client.get("/api/messages")
    assert answer.status_code == 503
    assert answer.json() == {"detail": "the database does not answer"}


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "max_age=-1", "limit=many"])
def test_a_wrong_filter_is_refused(web, query):
    assert web.client.get(f"/api/messages?{query}").status_code == 422


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "MODEL_URL", "SECRET_KEY"])
def test_a_missing_variable_is_named(name):
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment(ENVIRONMENT | {name: ""})
