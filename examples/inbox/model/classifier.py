"""The classifier and its file.

The file: the magic bytes, the length of the header (4 bytes, little endian), the header (JSON:
labels, buckets, SHA-256 of the weights), then the weights as little-endian 32-bit floats, one
for each bucket of each label.
"""

import hashlib
import json
import math
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from features import features

MAGIC = b"INBOXLM1"
CHUNK = 64 * 1024


class BadModelError(Exception):
    """The file is not a model, or is damaged."""


class Answer(NamedTuple):
    label: str
    confidence: float


class Classifier:
    def __init__(self, labels: list[str], buckets: int, weights: array):
        self.labels = labels
        self.buckets = buckets
        self.weights = weights

    def classify(self, text: str) -> Answer:
        active = features(text, self.buckets)
        shares = softmax(scores(self.weights, self.buckets, len(self.labels), active))
        best = max(range(len(shares)), key=shares.__getitem__)
        return Answer(self.labels[best], shares[best])


def scores(weights: array, buckets: int, labels: int, active: list[int]) -> list[float]:
    """One score for each label. Divided by the text's length, so that long texts don't shout."""
    scale = 1 / math.sqrt(len(active) or 1)
    return [
        scale * sum(weights[label * buckets + bucket] for bucket in active)
        for label in range(labels)
    ]


def softmax(values: list[float]) -> list[float]:
    highest = max(values)
    powers = [math.exp(value - highest) for value in values]
    total = sum(powers)
    return [power / total for power in powers]


def little_endian(weights: array) -> array:
    if sys.byteorder == "big":
        weights = weights[:]
        weights.byteswap()
    return weights


def save(path: Path, classifier: Classifier) -> None:
    weights = little_endian(classifier.weights).tobytes()
    header = json.dumps(
        {
            "labels": classifier.labels,
            "buckets": classifier.buckets,
            "sha256": hashlib.sha256(weights).hexdigest(),
        }
    ).encode()
    path.write_bytes(MAGIC + struct.pack("<I", len(header)) + header + weights)


def load(path: Path, on_progress: Callable[[float], None] = lambda share: None) -> Classifier:
    """Reads the file chunk by chunk and says after each which share of it is in memory."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    weights = array("f")
    with path.open("rb") as file:
        header = read_header(file)
        for chunk in chunks(file):
            digest.update(chunk)
            weights.frombytes(chunk)
            on_progress(file.tell() / size)
    if digest.hexdigest() != header["sha256"]:
        raise BadModelError(f"{path} is damaged: its checksum is not what its header says")
    return Classifier(header["labels"], header["buckets"], little_endian(weights))


def read_header(file) -> dict:
    if file.read(len(MAGIC)) != MAGIC:
        raise BadModelError(f"{file.name} is not a model file")
    (length,) = struct.unpack("<I", file.read(4))
    return json.loads(file.read(length))


def chunks(file) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        if len(chunk) % 4:
            raise BadModelError(f"{file.name} is cut short")
        yield chunk
