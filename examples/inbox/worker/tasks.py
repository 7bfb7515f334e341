"""The worker: `celery --app=tasks worker`. Takes a message, has it classified, stores it.

A message is acknowledged when it is stored, so none is lost if the worker dies. It may then be
delivered twice, which is harmless: its id is the row's key.
"""

import logging
import os
from functools import cache

import celery
import httpx
import psycopg
from celery import signals

import heartbeat
from message import Message, Model, Store

app = celery.Celery("inbox", broker=os.environ["REDIS_URL"])
app.conf.update(
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    # After this time, a message that a dead worker had taken is given to another one.
    broker_transport_options={"visibility_timeout": 60, "socket_connect_timeout": 5},
    task_acks_late=True,
    task_default_queue="inbox",
    task_ignore_result=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
)

logging.getLogger("httpx").setLevel(logging.WARNING)  # Celery's own lines tell enough

LONGEST_PAUSE = 30  # seconds between tries; must be well below the visibility timeout


@cache
def model() -> Model:
    return Model(os.environ["MODEL_URL"])


@cache
def store() -> Store:
    return Store(os.environ["DATABASE_URL"])


@app.task(name="inbox.classify", bind=True, max_retries=None)
def classify(task: celery.Task, **fields: str) -> None:
    message = Message(**fields)
    try:
        label, confidence = model().classify(message.text)
        store().add(message, label, confidence)
    except (httpx.TransportError, httpx.HTTPStatusError, psycopg.OperationalError) as error:
        if refused(error):
            raise
        raise task.retry(exc=error, countdown=pause(task.request.retries)) from error


def refused(error: Exception) -> bool:
    """The model will never take this message: trying again does not help."""
    return isinstance(error, httpx.HTTPStatusError) and error.response.is_client_error


def pause(retries: int) -> int:
    return min(2**retries, LONGEST_PAUSE)


@signals.worker_init.connect
def on_start(**_: object) -> None:
    heartbeat.clear()


@signals.heartbeat_sent.connect
def on_heartbeat(**_: object) -> None:
    heartbeat.beat()


@signals.worker_shutdown.connect
def on_shutdown(**_: object) -> None:
    heartbeat.clear()
    if store.cache_info().currsize:
        store().close()
    if model.cache_info().currsize:
        model().close()
