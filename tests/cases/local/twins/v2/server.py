"""A web service as people write them: a port and its neighbours' names are in the code."""

import json
import os
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "v2"


def ping_cache():
    password = os.environ["CACHE_PASSWORD"].encode()
    with socket.create_connection(("cache", 6379), timeout=2) as cache:
        cache.sendall(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\nINCR hits\r\n" % (len(password), password))
        with cache.makefile("rb") as answers:
            return [answers.readline().decode().strip() for _ in range(2)]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/ready":
            answers = ping_cache()
            body = {"version": VERSION, "cache": answers}
        elif self.path == "/slow":
            print("slow one begun", flush=True)
            time.sleep(1.5)
            body = {"version": VERSION}
        else:
            body = {"version": VERSION, "database": os.environ["DATABASE_HOST"]}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        pass


print("listening", flush=True)
ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
