"""What the web service answers: the page, the JSON API, the webhook, and its own state."""

import html
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import httpx
import psycopg
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from app import signature
from app.checks import run_checks
from app.messages import MessageQueue, MessageStore, QueueError
from app.model import Model
from app.settings import Settings

STATIC = Path(__file__).parent / "static"
logger = logging.getLogger("uvicorn.error")
MAX_BODY = 64 * 1024

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Incoming(BaseModel):
    text: str = Field(min_length=1, max_length=10_000)
    source: str = Field(default="webhook", min_length=1, max_length=100)


class Filter(BaseModel):
    limit: int = Field(default=50, ge=1, le=200)
    label: str | None = None
    source: str | None = None
    exclude_source: str | None = None
    max_age: float | None = Field(default=None, gt=0, description="seconds")


def create_app(
    title: str,
    settings: Settings,
    store: MessageStore | None = None,
    queue: MessageQueue | None = None,
    model: Model | None = None,
) -> FastAPI:
    """The app. Tests hand in their own store, queue and model."""
    store = store or MessageStore(settings.database_url)
    queue = queue or MessageQueue(settings.redis_url)
    model = model or Model(settings.model_url)
    executor = ThreadPoolExecutor(max_workers=12, thread_name_prefix="check")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        store.open()
        yield
        executor.shutdown()
        model.close()
        queue.close()
        store.close()

    app = FastAPI(
        title=title,
        version=settings.version,
        lifespan=lifespan,
        docs_url=None,  # they load scripts from elsewhere, which the page's policy forbids
        redoc_url=None,
    )
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.middleware("http")(guard)
    app.exception_handler(psycopg.OperationalError)(no_database)
    add_state(app, settings, store, queue, model, executor)
    add_messages(app, settings, store, queue)
    add_page(app, title, settings)
    return app


async def guard(request: Request, call_next) -> Response:
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        return JSONResponse({"detail": f"more than {MAX_BODY} bytes"}, status_code=413)
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response


def no_database(request: Request, error: Exception) -> JSONResponse:
    logger.warning("%s: %s", request.url.path, error)
    return JSONResponse(
        {"detail": "the database does not answer"}, status_code=503, headers={"Retry-After": "5"}
    )


def add_page(app: FastAPI, title: str, settings: Settings) -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    page = page.replace("{{title}}", html.escape(title))
    page = page.replace("{{version}}", html.escape(settings.version))

    @app.get("/", response_class=HTMLResponse)
    def index() -> str:
        return page


def add_state(
    app: FastAPI,
    settings: Settings,
    store: MessageStore,
    queue: MessageQueue,
    model: Model,
    executor: ThreadPoolExecutor,
) -> None:
    version = {
        "version": settings.version,
        "release": settings.release,
        "environment": settings.environment,
    }
    checks = {"database": store.check, "cache": queue.check, "model": model.check}

    @app.get("/health")
    def health() -> dict:
        return {"status": "ok"}

    @app.get("/ready")
    def ready(response: Response) -> dict:
        results = run_checks(executor, checks)
        not_ready = [name for name, result in results.items() if not result["ok"]]
        response.status_code = 503 if not_ready else 200
        return {"ready": not not_ready, "not_ready": not_ready, "checks": results}

    @app.get("/version")
    def get_version() -> dict:
        return version

    @app.get("/api/status")
    def status() -> dict:
        """What the page's header shows."""
        try:
            state = model.state()
        except httpx.HTTPError:
            return {**version, "model": {"ready": False, "progress": 0.0, "stage": "no answer"}}
        return {**version, "model": {"ready": state.ready, **state._asdict()}}


def add_messages(
    app: FastAPI, settings: Settings, store: MessageStore, queue: MessageQueue
) -> None:
    @app.get("/api/messages")
    def messages(wanted: Annotated[Filter, Query()]) -> dict:
        """The latest messages first, and how many there are of each label."""
        return {
            "messages": store.latest(**wanted.model_dump()),
            "counts": store.counts(wanted.exclude_source),
        }

    @app.post("/webhook", status_code=202)
    async def webhook(request: Request, incoming: Incoming) -> dict:
        check_signature(settings, await request.body(), request.headers.get(signature.HEADER))
        return await run_in_threadpool(enqueue, queue, uuid4(), incoming)


def check_signature(settings: Settings, body: bytes, given: str | None) -> None:
    if given is None and not settings.require_signature:
        return
    if given is None or not signature.is_valid(settings.secret_key, body, given):
        raise HTTPException(401, f"{signature.HEADER} is missing or does not fit the body")


def enqueue(queue: MessageQueue, message_id: UUID, incoming: Incoming) -> dict:
    try:
        queue.put(message_id, incoming.text, incoming.source, datetime.now(UTC))
    except QueueError as error:
        raise HTTPException(503, "the queue does not answer", {"Retry-After": "5"}) from error
    return {"id": str(message_id), "status": "queued"}
