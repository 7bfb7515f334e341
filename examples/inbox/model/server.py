"""The model as an HTTP service: it answers while it loads, and says how far it is.

GET /health    it is alive
GET /ready     200 when it can classify, else 503
GET /progress  {"progress": 0.42, "stage": "reading weights"}
POST /classify {"text": "..."} -> {"label": "invoice", "confidence": 0.98}
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from classifier import Answer, BadModelError, Classifier, load

MAX_BODY = 64 * 1024
logger = logging.getLogger("model")


class Model:
    """A classifier that is loaded in the background. Any thread may ask it anything."""

    def __init__(self, path: Path, load_seconds: float = 0.0):
        self.path = path
        self.load_seconds = load_seconds
        self.progress = 0.0
        self.stage = "starting"
        self.stopping = threading.Event()
        self._classifier: Classifier | None = None

    @property
    def ready(self) -> bool:
        return self._classifier is not None

    def load(self) -> None:
        """Loads the file, taking at least `load_seconds`, as a bigger model would."""
        started = time.monotonic()

        def report(share: float) -> None:
            # The last hundredth is for the first classification.
            self.progress = round(0.99 * share, 4)
            self.stopping.wait(max(0.0, started + share * self.load_seconds - time.monotonic()))
            if self.stopping.is_set():
                raise InterruptedError("stopped while loading")

        self.stage = "reading weights"
        classifier = load(self.path, report)
        self.stage = "warming up"
        classifier.classify("the first classification makes sure that the others work")
        self._classifier = classifier
        self.progress, self.stage = 1.0, "ready"
        logger.info("loaded %s in %.1f s", self.path.name, time.monotonic() - started)

    def classify(self, text: str) -> Answer:
        if self._classifier is None:
            raise NotReadyError(f"the model is loading ({self.progress:.0%})")
        return self._classifier.classify(text)


class NotReadyError(Exception):
    """It cannot classify yet."""


class Handler(BaseHTTPRequestHandler):
    timeout = 10  # a client that sends nothing must not keep a thread
    server: "Server"

    def do_GET(self):
        model = self.server.model
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
        elif self.path == "/ready":
            self.answer(200 if model.ready else 503, {"ready": model.ready, "stage": model.stage})
        elif self.path == "/progress":
            self.answer(200, {"progress": model.progress, "stage": model.stage})
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        if self.path != "/classify":
            self.answer(404, {"error": "no such page"})
            return
        try:
            label, confidence = self.server.model.classify(self.read_text())
        except ValueError as error:
            self.answer(422, {"error": str(error)})
        except NotReadyError as error:
            self.answer(503, {"error": str(error)})
        else:
            self.answer(200, {"label": label, "confidence": round(confidence, 4)})

    def read_text(self) -> str:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= MAX_BODY:
            raise ValueError(f"the body must have 1 to {MAX_BODY} bytes")
        body = json.loads(self.rfile.read(length))
        if not isinstance(body, dict) or not isinstance(body.get("text"), str):
            raise ValueError('the body must be {"text": "..."}')
        return body["text"]

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        if getattr(self, "command", None) == "POST":  # probes ask too often to be worth a line
            logger.info(format, *args)


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for the answers being written
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], model: Model):
        super().__init__(address, Handler)
        self.model = model


def serve(server: Server) -> int:
    """Serves until SIGTERM, SIGINT or a model that cannot be loaded. Returns the exit code."""
    failures: list[Exception] = []

    def stop(*_) -> None:
        server.model.stopping.set()
        # shutdown() waits for the serving loop, which a signal handler interrupts
        threading.Thread(target=server.shutdown).start()

    def load_or_stop() -> None:
        try:
            server.model.load()
        except InterruptedError:
            pass
        except (OSError, BadModelError) as error:
            logger.error("cannot load the model: %s", error)
            failures.append(error)
            stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=load_or_stop, name="load").start()
    with server:
        server.serve_forever(poll_interval=0.1)
    logger.info("stopped")
    return 1 if failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    here = Path(__file__).parent
    model = Model(
        Path(os.environ.get("MODEL_PATH") or here / "model.bin"),
        load_seconds=float(os.environ.get("MODEL_LOAD_SECONDS", "0")),
    )
    server = Server((arguments.host, arguments.port), model)
    logger.info("listening on %s:%d", *server.server_address)
    return serve(server)


if __name__ == "__main__":
    sys.exit(main())
