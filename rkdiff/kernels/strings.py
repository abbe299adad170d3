"""Strings as vectors: counts of substrings (spectrum), or of subsequences with gaps (gappy), whose inner product is the kernel.

    spectrum_p(s, t) = sum_u c_u(s) c_u(t)            c_u(s): how often the p letters u stand in a row in s
    gappy_p(s, t)    = sum_u f_u(s) f_u(t)            f_u(s) = sum over places i_1 < ... < i_p with s[i] = u of decay^(i_p - i_1 + 1)

(Leslie, Eskin and Noble 2002, "The spectrum kernel"; Lodhi et al. 2002, "Text classification using string kernels", whose recursion in
p |s| |t| steps is `subsequence_kernel`.) A string is a row of ASCII codes, filled up with 0 at its end. `Spectrum` and `Gappy` learn an
alphabet from training strings and map strings to vectors, blocks of p = 1 .. longest side by side. What occurs in no training string has no
column of its own: the last column of a spectrum is the length of all that is left over, so that inner products with training strings and
norms stay exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from rkdiff.core.parts import PartError

#: Codes of the markers before the first and after the last letter.
BEGIN, END = 1, 2
_BASE = 256
#: Gappy vectors have one entry for each word over the alphabet; more than this many are refused.
MOST_ENTRIES = 8000


def to_codes(words: Iterable[str], length: int = 0) -> UInt8[np.ndarray, "n L"]:
    """Words as rows of ASCII codes, filled up with 0; L is the longest word, or `length` if that is more.

    Raises:
        PartError: a character that is no printable ASCII character.
    """
    rows = list(words)
    for w in rows:
        if any(not " " <= c <= "~" for c in w):
            raise PartError(f"the word {w[:40]!r} holds characters outside printable ASCII; write it with plain letters")
    out = np.zeros((len(rows), max([length, *map(len, rows)])), dtype=np.uint8)
    for i, w in enumerate(rows):
        out[i, : len(w)] = np.frombuffer(w.encode("ascii"), dtype=np.uint8)
    return out


def to_words(codes: UInt8[np.ndarray, "n L"]) -> list[str]:
    """Rows of ASCII codes as words: what stands before the first 0."""
    return [bytes(row).partition(b"\0")[0].decode("latin-1") for row in codes]


def lengths(codes: UInt8[np.ndarray, "n L"]) -> Int[np.ndarray, " n"]:
    """How many letters each string has."""
    return (np.cumsum(codes == 0, axis=1) == 0).sum(1)


def spectrum_kernel(s: str, t: str, p: int) -> int:
    """How many pairs of places hold the same p letters in a row."""
    grams = [t[i : i + p] for i in range(len(t) - p + 1)]
    return sum(grams.count(s[i : i + p]) for i in range(len(s) - p + 1))


def subsequence_kernel(s: Sequence[str], t: Sequence[str], p: int, decay: float, *, normalised: bool = False) -> float:
    """The gap-weighted subsequence kernel of Lodhi et al. 2002 (section 3), by dynamic programming.

    With K'_0 = 1, K''_i(j, k) = decay K''_i(j, k-1) + [s_j = t_k] decay^2 K'_{i-1}(j-1, k-1) and K'_i(j, k) = decay K'_i(j-1, k) +
    K''_i(j, k), the kernel is the sum over matches of decay^2 K'_{p-1}.
    """
    if normalised:
        own = subsequence_kernel(s, s, p, decay) * subsequence_kernel(t, t, p, decay)
        return subsequence_kernel(s, t, p, decay) / float(np.sqrt(own)) if own > 0 else 0.0
    match = np.array([[a == b for b in t] for a in s], dtype=float).reshape(len(s), len(t)) * decay**2
    before = np.ones((len(s) + 1, len(t) + 1))
    for _ in range(p - 1):
        after = np.zeros_like(before)
        for j in range(len(s)):
            run = 0.0
            for k in range(len(t)):
                run = decay * run + match[j, k] * before[j, k]
                after[j + 1, k + 1] = decay * after[j, k + 1] + run
        before = after
    return float((match * before[:-1, :-1]).sum())


@dataclass(frozen=True)
class Spectrum:
    """Counts of 1, 2, ..., `longest` letters in a row, the begin and the end of the string marked.

    Attributes:
        alphabet: codes of the letters met in training.
        grams: sorted numbers of the substrings met in training; one column each.
    """

    longest: int
    alphabet: UInt8[np.ndarray, " k"]
    grams: Int[np.ndarray, " g"]

    @staticmethod
    def fit(codes: UInt8[np.ndarray, "n L"], longest: int) -> Spectrum:
        """The substrings of the training strings."""
        empty = Spectrum(longest, alphabet_of(codes), np.zeros(0, np.int64))
        return Spectrum(longest, empty.alphabet, np.unique(empty._occurrences(codes)[1]))

    def _occurrences(self, codes: UInt8[np.ndarray, "n L"]) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
        """Every substring of every string: its row, and its number in base 256 (so that numbers tell lengths apart)."""
        n, size = len(codes), lengths(codes)
        marked = np.zeros((n, codes.shape[1] + 2), dtype=np.int64)
        marked[:, 0], marked[:, 1:-1] = BEGIN, np.where(np.arange(codes.shape[1]) < size[:, None], codes, 0)
        marked[np.arange(n), size + 1] = END
        rows, numbers, number = [], [], np.zeros_like(marked)
        for p in range(1, self.longest + 1):
            number = number[:, : marked.shape[1] - p + 1] * _BASE + marked[:, p - 1 :]
            there = np.arange(number.shape[1]) + p <= size[:, None] + 2
            if p == 1:  # the markers by themselves are in every string
                there &= number > END
            rows.append(np.nonzero(there)[0])
            numbers.append(number[there])
        return np.concatenate(rows), np.concatenate(numbers)

    def __call__(self, codes: UInt8[np.ndarray, "n L"]) -> Float[np.ndarray, "n p"]:
        """Counts of the substrings met in training, and the length of the vector of all others."""
        row, number = self._occurrences(codes)
        column = np.searchsorted(self.grams, number)
        known = np.append(self.grams, -1)[column] == number
        width, n = len(self.grams) + 1, len(codes)
        out = np.bincount(row[known] * width + column[known], minlength=n * width).reshape(n, width).astype(float)
        pair, times = np.unique(np.stack([row[~known], number[~known]]), axis=1, return_counts=True)
        out[:, -1] = np.sqrt(np.bincount(pair[0], times.astype(float) ** 2, minlength=n))
        return out

    def tables(self, vectors: Float[np.ndarray, "n p"]) -> list[Float[np.ndarray, "n ..."]]:
        """Vectors as one table for each p, (n, K, ..., K), over the letters, begin (K - 2) and end (K - 1)."""
        symbols = np.concatenate([self.alphabet, [BEGIN, END]]).astype(np.int64)
        place = np.zeros(_BASE, dtype=np.int64)
        place[symbols] = np.arange(len(symbols))
        out = []
        for p in range(1, self.longest + 1):
            mine = np.flatnonzero((self.grams >= _BASE ** (p - 1)) & (self.grams < _BASE**p))
            digits = [place[self.grams[mine] // _BASE ** (p - 1 - i) % _BASE] for i in range(p)]
            table = np.zeros((len(vectors), *[len(symbols)] * p))
            table[(slice(None), *digits)] = vectors[:, mine]
            out.append(table)
        return out


@dataclass(frozen=True)
class Gappy:
    """Weights of subsequences of 1, 2, ..., `longest` letters, whose gaps cost a factor `decay` a letter.

    A letter outside the alphabet only widens gaps.
    """

    longest: int
    decay: float
    alphabet: UInt8[np.ndarray, " k"]

    @staticmethod
    def fit(codes: UInt8[np.ndarray, "n L"], longest: int, decay: float) -> Gappy:
        """The alphabet of the training strings.

        Raises:
            PartError: there would be too many entries, or there is no letter at all.
        """
        alphabet = alphabet_of(codes)
        if not len(alphabet):
            raise PartError(f"the {len(codes)} training strings are all empty; give at least two different ones")
        if len(alphabet) ** longest > MOST_ENTRIES:
            given = f"gappy vectors of {longest} letters over an alphabet of {len(alphabet)} have {len(alphabet) ** longest} entries"
            raise PartError(f"{given}, more than {MOST_ENTRIES}; choose a smaller 'longest', or features 'spectrum'")
        return Gappy(longest, decay, alphabet)

    def __call__(self, codes: UInt8[np.ndarray, "n L"]) -> Float[np.ndarray, "n p"]:
        """The weights, block by block; inside a block the words over the alphabet in order."""
        n, k, size = len(codes), len(self.alphabet), lengths(codes)
        letter = np.searchsorted(self.alphabet, codes)
        known = np.append(self.alphabet, 0)[letter] == codes
        whole = [np.zeros((n, k**q)) for q in range(1, self.longest + 1)]
        partial = [w.reshape(n, -1, k).copy() for w in whole]  # weights of subsequences up to here, their last letter apart
        for i in range(codes.shape[1]):
            row = np.flatnonzero((size > i) & known[:, i])
            last = letter[row, i]
            below = [np.ones((len(row), 1)), *(p[row].reshape(len(row), k**q) for q, p in enumerate(partial[:-1], start=1))]
            for q, (mine, less) in enumerate(zip(partial, below, strict=True)):
                mine *= self.decay
                mine[row, :, last] += self.decay * less
                whole[q].reshape(n, -1, k)[row, :, last] += self.decay * less
        return np.concatenate(whole, axis=1)


def alphabet_of(codes: UInt8[np.ndarray, "n L"]) -> UInt8[np.ndarray, " k"]:
    """The different letters of strings, in order."""
    there = np.unique(codes[np.arange(codes.shape[1]) < lengths(codes)[:, None]])
    return there.astype(np.uint8)
