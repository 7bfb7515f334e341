import threading

import httpx
import pytest
from server import Model, Server


@pytest.fixture
def service(model_file):
    """A served model that is not loaded yet, and a client of it."""
    model = Model(model_file)
    server = Server(("127.0.0.1", 0), model)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    with server, httpx.Client(base_url=url, trust_env=False) as client:
        yield model, client
        server.shutdown()
    thread.join()


def test_while_it_loads_it_is_alive_but_not_ready(service):
    _, client = service
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 503
    assert client.get("/progress").json() == {"progress": 0.0, "stage": "starting"}
    refusal = client.post("/classify", json={"text": "hello"})
    assert refusal.status_code == 503
    assert refusal.headers["Retry-After"] == "1"


def test_once_loaded_it_classifies(service):
    model, client = service
    model.load()
    assert client.get("/ready").status_code == 200
    assert client.get("/progress").json() == {"progress": 1.0, "stage": "ready"}
    answer = client.post("/classify", json={"text": "please pay the attached invoice"}).json()
    assert answer["label"] == "invoice"
    assert 0.8 < answer["confidence"] <= 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"text": 1}', b"x" * 70_000])
def test_a_wrong_body_is_refused_with_a_reason(service, body):
    model, client = service
    model.load()
    refusal = client.post("/classify", content=body)
    assert refusal.status_code == 422
    assert refusal.json()["error"]


def test_unknown_paths_are_not_found(service):
    _, client = service
    assert client.get("/nothing").status_code == 404
    assert client.post("/nothing", json={}).status_code == 404


def test_being_stopped_ends_the_loading(model_file):
    model = Model(model_file, load_seconds=3600)
    model.stopping.set()
    with pytest.raises(InterruptedError):
        model.load()
    assert not model.ready
