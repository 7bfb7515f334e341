"""Parts that several tests need. Nothing here reaches a network."""

import os
from pathlib import Path

import pytest
from classifier import Classifier, load, save
from train import read_examples, train

os.environ.setdefault("REDIS_URL", "memory://")  # the worker's module makes its Celery app

DATA = Path(__file__).parent.parent / "model" / "data"


@pytest.fixture(scope="session")
def model_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.bin"
    save(path, train(read_examples(DATA)))
    return path


@pytest.fixture(scope="session")
def classifier(model_file) -> Classifier:
    return load(model_file)
