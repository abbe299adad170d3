"""Strings: coordinates from a kernel on their substrings; decoded letter by letter.

A string becomes the vector of its counts of 1, 2, ..., `longest` letters in a row (or of subsequences with gaps), and a kernel on these
vectors embeds it. A point psi(z) of H asks for the counts g = sum_i gamma_i counts(x_i), mostly broken numbers that belong to no string;
`beam` looks for the string whose counts are nearest to them (`rkdiff.spaces._string_beam`), `grammar` does so among the words of the
dataset's rule alone, `search` edits the nearest known string, `nearest` takes it as it is. The candidates of a beam are compared in H, with
the nearest training string and the string of the frame before among them: a decoder never does worse than these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.kernels._strings_automaton import Automaton
from rkdiff.kernels.strings import Gappy, Spectrum, alphabet_of, lengths
from rkdiff.spaces._kernel import FittedKernel, KernelSpace
from rkdiff.spaces._preimage import preimage
from rkdiff.spaces._string_beam import Beam
from rkdiff.spaces._string_search import Energy, search

DECODERS = ("beam", "grammar", "search", "nearest")
LONGEST_STRING, CHUNK, NEIGHBOURS, CANDIDATES = 200, 64, 5, 4
#: Entries of the largest table of substrings over the alphabet, and of the tables of all targets worked on at once.
MOST_SUBSTRINGS, ROOM = 200_000, 4_000_000


@dataclass(frozen=True)
class Strings(KernelSpace):
    """Words through a kernel on the substrings they share."""

    modalities: ClassVar[tuple[str, ...]] = ("strings",)

    r: int = knob(30, 1, 200, help="how many kernel coordinates: too few blur the counts of substrings, many copy")
    features: str = knob("spectrum", options=("spectrum", "gappy"), help="letters in a row, or subsequences with gaps")
    longest: int = knob(4, 1, 6, help="the longest substrings that are counted, in letters; large alphabets stop at 3")
    decay: float = knob(
        0.5, 0.1, 1.0, advanced=True, help="gappy only: the factor that each letter of a subsequence or gap costs"
    )
    kernel: str = knob("gaussian", options=("gaussian", "linear"), help="how alike two words are, from what they share")
    normalised: bool = knob(
        False, advanced=True, help="compare shares of substrings instead of counts: length no longer matters"
    )
    decoder: str = knob("beam", options=DECODERS, help="how coordinates become a word again")
    beam: int = knob(40, 1, 200, log=True, help="how many beginnings of a word the beam keeps")
    search_steps: int = knob(60, 1, 1000, log=True, advanced=True, help="rounds of edits that the search makes")

    def fit(self, data: Dataset, rng: Rng) -> FittedStrings:
        """Kernel PCA of the training strings."""
        return FittedStrings(self, data, rng)


class FittedStrings(FittedKernel):
    """Kernel coordinates of strings and the ways back."""

    space: Strings

    def __init__(self, space: Strings, data: Dataset, rng: Rng) -> None:
        train = np.ascontiguousarray(data.train)
        if train.ndim != 2 or train.dtype != np.uint8 or len(train) < 2:
            given = f"an array of shape {train.shape} and type {train.dtype}"
            raise PartError(f"strings come as (n, L) ASCII codes of type uint8 with at least two strings; got {given}")
        self.sizes = lengths(train)
        if self.sizes.max() > LONGEST_STRING:
            raise PartError(
                f"the longest training string has {self.sizes.max()} letters; give strings of at most {LONGEST_STRING}"
            )
        if (train > 126).any() or ((train > 0) & (train < 32)).any():
            raise PartError("a training string holds a character outside printable ASCII; write it with plain letters")
        self.features = features_of(space, train)
        self.alphabet = self.features.alphabet
        if not len(self.alphabet):
            raise PartError(f"the {len(train)} training strings are all empty; give at least two different ones")
        self.chunk = int(np.clip(ROOM // (len(self.alphabet) + 2) ** self.features.longest, 1, CHUNK))
        self.automaton = rule_of(data, self.alphabet)
        self.norms = np.linalg.norm(self.features(train), axis=1)
        super().__init__(space, train, rng)

    def vectors(self, objects: UInt8[np.ndarray, "n L"]) -> Float[np.ndarray, "n p"]:
        v = self.features(objects)
        return v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) if self.space.normalised else v

    def decode(
        self, x: Float[np.ndarray, "n d"], rng: Rng, start: UInt8[np.ndarray, "n L"] | None = None
    ) -> UInt8[np.ndarray, "n L"]:
        """Words of at most as many letters as the longest training word, over the training alphabet."""
        rows = [slice(i, i + self.chunk) for i in range(0, len(x), self.chunk)]
        out = [self._decode(x[r], rng.child(str(r.start)), None if start is None else start[r]) for r in rows]
        return np.concatenate([self.training[:0], *out])

    def _decode(
        self, x: Float[np.ndarray, "n d"], rng: Rng, start: UInt8[np.ndarray, "n L"] | None
    ) -> UInt8[np.ndarray, "n L"]:
        name, z = self.space.decoder, self.kernel_coordinates(x)
        rule = self.automaton if name == "grammar" else None
        d2 = self.embedding.distances2(z, self.candidates)
        if rule is not None:  # only words of the rule may win
            d2 = np.where(rule(self.training), d2, 1e9 + d2)
        near = np.argsort(d2, axis=1, kind="stable")[:, :NEIGHBOURS]
        known = self.training[near[:, 0]]
        if name == "nearest":
            return known
        energy = self.energy(z)
        if name == "search" or self.space.features == "gappy":
            begin = known if start is None else self._best(energy, [known, start])
            bounds = int(self.sizes.min()), self.training.shape[1]
            return search(energy, begin, self.alphabet, bounds, self.space.search_steps, 8, rng.numpy("edits"))
        if rule is not None:
            start = None if start is None else np.where(rule(start)[:, None], start, known)
        return self._best(energy, [*self._beam(z, near, rule), known, *([] if start is None else [start])])

    def energy(self, z: Float[np.ndarray, "n r"]) -> Energy:
        """||phi(s) - psi(z_i)||^2 of strings s and the rows i that they belong to."""
        gamma, norm2, e = self.embedding.gamma(z), self.embedding.norm2(z), self.embedding
        linear = gamma @ e.anchors if e.kernel.name == "linear" else None

        def of(codes: np.ndarray, row: np.ndarray) -> np.ndarray:
            v = self.vectors(codes)
            cross = (linear[row] * v).sum(1) if linear is not None else (gamma[row] * e.kernel(v, e.anchors)).sum(1)
            return norm2[row] + e.kernel.diagonal(v) - 2 * cross

        return of

    def _best(self, energy: Energy, among: list[UInt8[np.ndarray, "n L"]]) -> UInt8[np.ndarray, "n L"]:
        """For each target the candidate nearest in H."""
        row = np.arange(len(among[0]))
        values = np.stack([energy(a, row) for a in among])
        return np.stack(among)[values.argmin(0), row]

    def _beam(
        self, z: Float[np.ndarray, "n r"], near: Int[np.ndarray, "n k"], automaton: Automaton | None
    ) -> list[UInt8[np.ndarray, "n L"]]:
        """The best strings of a beam search for the wanted counts, best first; the nearest training string where none was found."""
        assert isinstance(self.features, Spectrum)
        way = "simplex" if self.embedding.kernel.radial else "fixed_point"
        wanted = preimage(self.embedding, z, self.candidates, way)
        if self.space.normalised:
            wanted = wanted * self.norms[near].mean(1, keepdims=True)
        tables = self.features.tables(wanted)
        k = len(self.alphabet)
        automaton = None if automaton is None else automaton.over(self.alphabet)
        asked = np.rint(tables[0][:, :k].sum(1)).astype(int)
        low = np.clip(np.minimum(self.sizes[near].min(1), asked) - 1, self.sizes.min(), self.training.shape[1])
        high = np.clip(np.maximum(self.sizes[near].max(1), asked) + 1, self.sizes.min(), self.training.shape[1])
        found, score = Beam(k, self.space.beam, CANDIDATES, automaton)(tables, low, high)
        out = np.repeat(self.training[near[:, 0]][:, None], CANDIDATES, axis=1)
        codes = np.append(self.alphabet, 0)[found].astype(np.uint8)
        there = score < 1e17
        out[there] = 0
        out[:, :, : codes.shape[2]] = np.where(there[:, :, None], codes, out[:, :, : codes.shape[2]])
        return list(out.transpose(1, 0, 2))

    def valid(self, objects: UInt8[np.ndarray, "n L"]) -> Bool[np.ndarray, " n"]:
        """Accepted by the dataset's rule; without one, made of letters of the training strings."""
        if self.automaton is not None:
            return self.automaton(objects)
        known = np.isin(objects, self.alphabet) | (np.arange(objects.shape[1]) >= lengths(objects)[:, None])
        return np.asarray(known.all(axis=1), bool)


def features_of(space: Strings, train: UInt8[np.ndarray, "n L"]) -> Spectrum | Gappy:
    """The vectors of the space; pieces as long as asked, but no longer than a table over the alphabet can hold."""
    if space.features == "gappy":
        return Gappy.fit(train, space.longest, space.decay)
    symbols = len(alphabet_of(train)) + 2
    return Spectrum.fit(train, max([1, *(p for p in range(2, space.longest + 1) if symbols**p <= MOST_SUBSTRINGS)]))


def rule_of(data: Dataset, alphabet: UInt8[np.ndarray, " k"]) -> Automaton | None:
    """The automaton of `meta["pattern"]` (a regular expression) or of `meta["trigrams"]` (known neighbours), over the training alphabet.

    Letters that no training string has are left out: a beam does not know them, and a word with one counts as invalid.
    """
    if "pattern" in data.meta:
        letters = str(data.meta.get("alphabet", "")) or bytes(alphabet).decode("ascii")
        return Automaton.of_pattern(str(data.meta["pattern"]), letters)
    return Automaton.of_neighbours(list(data.meta["trigrams"])) if "trigrams" in data.meta else None
