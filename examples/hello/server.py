"""A web server that says hello. Nothing but Python's standard library."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ.get("DEPLOY_VERSION", "dev")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            self.answer(200, "text/plain; charset=utf-8", f"Hello from version {VERSION}\n")
        elif self.path == "/health":
            self.answer(200, "application/json", json.dumps({"status": "ok", "version": VERSION}))
        else:
            self.answer(404, "text/plain; charset=utf-8", "Nothing here\n")

    do_HEAD = do_GET

    def answer(self, status, content_type, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for the answers being written
    request_queue_size = 128


def main():
    server = Server(("0.0.0.0", 8080), Handler)

    def stop(*_):
        # shutdown() waits for the serving loop, which is interrupted by this very handler
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print("listening on port 8080", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
