"""Databases, caches and brokers, known by the exact base name of their image.

A service that runs one of these keeps data: it is `backing` and is never doubled by a rollout.
Only the last part of an image's path counts, whole: `cp-kafka-rest` is no Kafka.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Literal, NamedTuple

ProbeKind = Literal["tcp", "postgres", "redis"]


class Known(NamedTuple):
    """One kind of server: where it listens, how to ask it, and the words of its command lines.

    `servers` are programs that are the server, `clients` those that only talk to one.
    """

    kind: str
    port: int
    probe: ProbeKind = "tcp"
    servers: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()


def _known(
    kind: str, port: int, probe: ProbeKind = "tcp", servers: str = "", clients: str = ""
) -> Known:
    return Known(kind, port, probe, frozenset(servers.split()), frozenset(clients.split()))


_POSTGRES = _known(
    "postgres",
    5432,
    "postgres",
    "postgres postmaster",
    "psql pg_dump pg_dumpall pg_restore pg_isready createdb createuser pgbench",
)
_REDIS = _known(
    "redis", 6379, "redis", "redis-server valkey-server keydb-server", "redis-cli valkey-cli"
)
_MYSQL = _known("mysql", 3306, "tcp", "mysqld mariadbd", "mysql mysqldump mysqladmin mariadb")
_MONGO = _known(
    "mongo",
    27017,
    "tcp",
    "mongod mongos",
    "mongo mongosh mongodump mongoimport mongoexport mongorestore",
)
_KAFKA = _known(
    "kafka",
    9092,
    "tcp",
    "kafka-server-start kafka-server-start.sh",
    "kafka-topics kafka-topics.sh kafka-console-consumer kafka-console-producer kafka-configs",
)
_RABBITMQ = _known("rabbitmq", 5672, "tcp", "rabbitmq-server", "rabbitmqadmin rabbitmqctl")

_TABLE: tuple[tuple[str, Known], ...] = (
    (
        "postgres postgresql postgis pgvector pgvecto-rs timescaledb timescaledb-ha pgroonga "
        "paradedb",
        _POSTGRES,
    ),
    ("redis valkey keydb dragonfly redis-stack redis-stack-server redis-cluster", _REDIS),
    ("mysql mysql-server mariadb percona percona-server", _MYSQL),
    ("mongo mongodb mongodb-community-server percona-server-mongodb", _MONGO),
    ("kafka cp-kafka cp-server kafka-native redpanda", _KAFKA),
    ("elasticsearch opensearch", _known("elasticsearch", 9200)),
    ("rabbitmq", _RABBITMQ),
    ("minio", _known("minio", 9000, "tcp", "minio server", "mc")),
    ("influxdb", _known("influxdb", 8086, "tcp", "influxd", "influx")),
    (
        "cassandra scylla scylladb",
        _known("cassandra", 9042, "tcp", "cassandra scylla", "cqlsh nodetool"),
    ),
    ("memcached", _known("memcached", 11211)),
    ("nats nats-streaming", _known("nats", 4222)),
    ("clickhouse clickhouse-server", _known("clickhouse", 8123, "tcp", "", "clickhouse-client")),
    ("neo4j", _known("neo4j", 7687)),
    ("zookeeper cp-zookeeper", _known("zookeeper", 2181)),
    ("etcd", _known("etcd", 2379, "tcp", "etcd", "etcdctl")),
    ("cockroach", _known("cockroach", 26257)),
    ("couchdb", _known("couchdb", 5984)),
    ("arangodb", _known("arangodb", 8529)),
    ("surrealdb", _known("surrealdb", 8000)),
    ("questdb", _known("questdb", 9000)),
    ("meilisearch", _known("meilisearch", 7700)),
    ("typesense", _known("typesense", 8108)),
    ("qdrant", _known("qdrant", 6333)),
    ("chroma", _known("chroma", 8000)),
    ("weaviate", _known("weaviate", 8080)),
    ("milvus", _known("milvus", 19530)),
    ("pulsar", _known("pulsar", 6650)),
    ("activemq activemq-classic activemq-artemis", _known("activemq", 61616)),
    ("eclipse-mosquitto mosquitto", _known("mosquitto", 1883)),
    ("azure-sql-edge", _known("mssql", 1433)),
)
_BY_NAME = {name: known for names, known in _TABLE for name in names.split()}
_BY_PATH: dict[str, Known] = {"mssql/server": _known("mssql", 1433)}
_SHELLS = frozenset({"sh", "bash", "ash", "/bin/sh", "/bin/bash", "/bin/ash"})


def base_name(image: str) -> str:
    """The last part of an image's path, without tag and digest: `ghcr.io/a/pg:16` -> `pg`."""
    return path_of(image).rpartition("/")[2]


def path_of(image: str) -> str:
    """An image's name without tag and digest; a registry's port is not a tag."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def known_image(image: str | None) -> Known | None:
    """The database, cache or broker that `image` is, or None."""
    if not image:
        return None
    path = path_of(image)
    two = "/".join(path.split("/")[-2:])
    return _BY_PATH.get(two) or _BY_NAME.get(base_name(image))


def only_a_client(known: Known, command: Iterable[str]) -> bool:
    """Whether `command` runs a client of the image (`psql`, `redis-cli`) and not its server."""
    words = {word.rpartition("/")[2] for word in _words(tuple(command))}
    return bool(words & known.clients) and not words & known.servers


def _words(command: tuple[str, ...]) -> list[str]:
    """The programs and arguments of `command`, looking into `sh -c` scripts."""
    if not command or command[0] not in _SHELLS:
        return list(command[:1])
    script = " ".join(command[1:])
    try:
        return shlex.split(script, comments=True)
    except ValueError:
        return re.split(r"[\s;&|()]+", script)
