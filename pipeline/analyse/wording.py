"""What the wording tells beside the meaning: the short strings of characters that a passage is made of.

Embeddings carry what a sentence is about far better than whether it is denied, doubted or quoted. Those are often a few
characters ("якобы", "とされる", "so-called"), which n-grams keep, in every script and without a tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

BUCKETS = 2**16
SIZES = (2, 5)  # characters


def wording(texts: Sequence[str]) -> Any:
    """Hashed character n-grams of n texts as a sparse matrix (n x BUCKETS, float32).

    Counts are damped (1 + log), and every row has unit length, so that long passages do not outweigh short ones.
    """
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.preprocessing import normalize

    vectorizer = HashingVectorizer(
        analyzer="char", ngram_range=SIZES, n_features=BUCKETS, norm=None, alternate_sign=False, dtype=np.float32
    )
    counts = vectorizer.transform(texts or [""])[: len(texts)]
    counts.data = 1 + np.log(counts.data)
    return normalize(counts, copy=False)
