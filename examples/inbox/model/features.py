"""Text to features, in the same way for training and for serving."""

import re
import zlib
from itertools import pairwise

WORD = re.compile(r"[a-z]+|\d+|[!?%]")


def features(text: str, buckets: int) -> list[int]:
    """Which buckets the text falls into: its words, pairs of words, and pieces of words, hashed."""
    words = [("0" * len(word) if word.isdigit() else word) for word in WORD.findall(text.lower())]
    names = set(words)
    names.update(f"{first} {second}" for first, second in pairwise(words))
    for word in words:
        marked = f"<{word}>"
        names.update(marked[start : start + 4] for start in range(len(marked) - 3))
    return sorted({zlib.crc32(name.encode()) % buckets for name in names})
