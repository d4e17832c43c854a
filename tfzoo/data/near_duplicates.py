"""Dropping documents that are almost copies of an earlier one."""

from dataclasses import dataclass

import numpy as np
from datasketch import MinHash, MinHashLSH

# Odd, so that the polynomial and the product below lose no bits of what they mix.
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
# Bounds the memory for one document: shingles times permutations.
_CHUNK = 16_384
# Of the pairs just at the threshold, hashing finds at least this share.
_RECALL = 0.99


@dataclass(frozen=True)
class DropNearDuplicates:
    """Drops documents that are nearly equal to an earlier one that is kept.

    Two documents are as similar as the sets A and B of all runs of `shingle_characters`
    characters in them, |A and B| / |A or B| (Jaccard). Letter case and the kind and amount of white
    space do not count. Candidates are found with MinHash and locality-sensitive hashing, then
    compared exactly: nothing less similar than `threshold` is dropped. Of the pairs just at it
    at least 99 % are found, of closer ones more (from a threshold of 0.04 on). The same documents
    in the same order give the same result.

    Args:
        threshold: Similarity from which a document is a near-duplicate, in (0, 1].
        num_permutations: Length of a MinHash signature, at least 8. A longer one takes longer to
            compute and leaves fewer candidates to compare.
        shingle_characters: Length of the runs that are compared, at least 1.
        seed: Integer for the permutations.

    Source: Broder, "On the resemblance and containment of documents", 1997; Indyk and Motwani,
        "Approximate nearest neighbors", 1998.

    Example:
        >>> tale = "It was the best of times, it was the worst of times, it was the age of wisdom."
        >>> step = DropNearDuplicates(threshold=0.8)
        >>> texts = [tale, "A poem.", tale.upper() + " ", tale + "."]
        >>> tuple(kept is not None for kept in step(texts))
        (True, True, False, False)
    """

    threshold: float = 0.8
    num_permutations: int = 128
    shingle_characters: int = 10
    seed: int = 0

    def __post_init__(self):
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], got {self.threshold!r}.")
        if self.num_permutations < 8 or self.shingle_characters < 1:
            raise ValueError(
                "num_permutations must be at least 8 and shingle_characters at least 1, got "
                f"{self.num_permutations!r} and {self.shingle_characters!r}."
            )

    def __call__(self, documents: list[str]) -> list[str | None]:
        """Returns each document, or None for a near-duplicate of an earlier one."""
        index = MinHashLSH(num_perm=self.num_permutations, params=self._bands_and_rows())
        empty = MinHash(num_perm=self.num_permutations, seed=self.seed, hashfunc=int)
        results = []
        for place, document in enumerate(documents):
            shingles = self._shingles(document)
            signature = _signature(shingles, empty)
            is_copy = any(
                _jaccard(shingles, self._shingles(documents[other])) >= self.threshold
                for other in index.query(signature)
            )
            if not is_copy:
                index.insert(place, signature)
            results.append(None if is_copy else document)
        return results

    def _bands_and_rows(self):
        """The longest bands that find a pair at the threshold t: 1 - (1 - t^rows)^bands."""
        for rows in range(self.num_permutations // 2, 1, -1):
            bands = self.num_permutations // rows
            if 1 - (1 - self.threshold**rows) ** bands >= _RECALL:
                return bands, rows
        return self.num_permutations, 1

    def _shingles(self, document):
        """The set of shingles, each as a 32-bit hash; of a shorter document, all of it is one."""
        text = " ".join(document.casefold().split()) or " "
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        codes = codes.astype(np.uint64)
        count = max(1, len(codes) - self.shingle_characters + 1)
        hashes = np.zeros(count, np.uint64)
        for offset in range(len(codes) - count + 1):
            hashes = hashes * _BASE + codes[offset : offset + count]
        return np.unique((hashes * _MIX) >> np.uint64(32))


def _signature(shingles, empty):
    signature = empty.copy()
    for start in range(0, len(shingles), _CHUNK):
        signature.update_batch(shingles[start : start + _CHUNK])
    return signature


def _jaccard(a, b):
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return shared / (len(a) + len(b) - shared)
