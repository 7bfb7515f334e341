"""Makes model.bin from data/LABEL.txt: one example a line. The same data gives the same file.

Multinomial logistic regression by stochastic gradient descent, over hashed features.
"""

import argparse
import random
from array import array
from pathlib import Path

from classifier import Classifier, save, scores, softmax
from features import features

BUCKETS = 2**18
EPOCHS = 12
RATE = 2.0
DECAY = 0.85

HERE = Path(__file__).parent


def read_examples(folder: Path) -> list[tuple[str, str]]:
    return [
        (file.stem, line)
        for file in sorted(folder.glob("*.txt"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def train(examples: list[tuple[str, str]], buckets: int = BUCKETS) -> Classifier:
    labels = sorted({label for label, _ in examples})
    weights = array("f", bytes(4 * buckets * len(labels)))
    samples = [(labels.index(label), features(text, buckets)) for label, text in examples]
    shuffler = random.Random(20)
    rate = RATE
    for _ in range(EPOCHS):
        shuffler.shuffle(samples)
        for truth, active in samples:
            learn(weights, buckets, len(labels), truth, active, rate)
        rate *= DECAY
    return Classifier(labels, buckets, weights)


def learn(
    weights: array, buckets: int, labels: int, truth: int, active: list[int], rate: float
) -> None:
    shares = softmax(scores(weights, buckets, labels, active))
    scale = rate / (len(active) or 1) ** 0.5
    for label in range(labels):
        step = scale * ((label == truth) - shares[label])
        for bucket in active:
            weights[label * buckets + bucket] += step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=HERE / "data")
    parser.add_argument("--out", type=Path, default=HERE / "model.bin")
    arguments = parser.parse_args()
    examples = read_examples(arguments.data)
    classifier = train(examples)
    save(arguments.out, classifier)
    right = sum(classifier.classify(text).label == label for label, text in examples)
    print(f"{arguments.out}: {len(examples)} examples, {right} of them classified as written")


if __name__ == "__main__":
    main()
