"""Strings: coordinates from a kernel on their substrings; decoded letter by letter.

A string becomes the vector of its counts of 1, 2, ..., `longest` letters in a row (or of subsequences with gaps), and a kernel on these
vectors embeds it. A point psi(z) of H asks for the counts g = sum_i gamma_i counts(x_i), mostly broken numbers that belong to no string;
`beam` looks for the string whose counts are nearest to them (`rkdiff.spaces._string_beam`), `grammar` does so among the words of the
dataset's rule alone, `search` edits the nearest known string, `nearest` takes it as it is. Where the kernel is Gaussian there are two
such g, the fixed point (it finds unseen strings again) and convex weights over training strings (they blur less), and a beam for each. The
candidates are compared in H, with the nearest training string and the string of the frame before among them: a decoder never does worse
than these. Gappy vectors have no beam: `beam` and `grammar` then search by edits, `grammar` by those that keep the rule.
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
from rkdiff.spaces._string_rules import judge_of, rule_of
from rkdiff.spaces._string_search import Energy, search

DECODERS = ("beam", "grammar", "search", "nearest")
LONGEST_STRING, CHUNK, NEIGHBOURS, CANDIDATES = 200, 64, 5, 4
#: Entries of the largest table of substrings over the alphabet, and of the tables of all targets worked on at once.
MOST_SUBSTRINGS, ROOM = 200_000, 4_000_000
#: Added to the squared distance of a string that the rule does not accept, so that any other string wins.
FORBIDDEN = 1e9
#: Mean cosine of the counts of two training strings below which decoded strings come out short (measured: cities .16, DNA .74).
UNLIKE = 0.3


@dataclass(frozen=True)
class Strings(KernelSpace):
    """Words through a kernel on the substrings they share."""

    modalities: ClassVar[tuple[str, ...]] = ("strings",)

    r: int = knob(40, 1, 200, help="how many kernel coordinates: too few blur the counts of substrings, many copy")
    features: str = knob("spectrum", options=("spectrum", "gappy"), help="letters in a row, or subsequences with gaps")
    longest: int = knob(4, 1, 6, help="the longest substrings that are counted, in letters; large alphabets stop at 3")
    decay: float = knob(
        0.5,
        0.1,
        1.0,
        advanced=True,
        when={"features": ("gappy",)},
        help="the factor that each letter of a subsequence or gap costs",
    )
    kernel: str = knob("gaussian", options=("gaussian", "linear"), help="how alike two words are, from what they share")
    normalised: bool = knob(
        False, advanced=True, help="compare shares of substrings instead of counts: length no longer matters"
    )
    decoder: str = knob("beam", options=DECODERS, help="how coordinates become a word again")
    beam: int = knob(
        40,
        1,
        200,
        log=True,
        when={"decoder": ("beam", "grammar"), "features": ("spectrum",)},
        help="how many beginnings of a word the beam keeps",
    )
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
        self.judge = judge_of(data) or self.automaton
        self._refuse_without_rule(space.decoder)
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
        if rule is not None:
            d2 = np.where(rule(self.training), d2, FORBIDDEN + d2)
        near = np.argsort(d2, axis=1, kind="stable")[:, :NEIGHBOURS]
        known = self.training[near[:, 0]]
        if name == "nearest":
            return known
        energy = self.energy(z, rule)
        if name == "search" or self.space.features == "gappy":
            begin = known if start is None else self._best(energy, [known, start])
            bounds = int(self.sizes.min()), self.training.shape[1]
            return search(energy, begin, self.alphabet, bounds, self.space.search_steps, 8, rng.numpy("edits"))
        return self._best(energy, [*self._beam(z, near, rule), known, *([] if start is None else [start])])

    def energy(self, z: Float[np.ndarray, "n r"], rule: Automaton | None = None) -> Energy:
        """||phi(s) - psi(z_i)||^2 of strings s and the rows i that they belong to, and FORBIDDEN more where the rule does not accept s."""
        gamma, norm2, e = self.embedding.gamma(z), self.embedding.norm2(z), self.embedding
        linear = gamma @ e.anchors if e.kernel.name == "linear" else None

        def of(codes: np.ndarray, row: np.ndarray) -> np.ndarray:
            v = self.vectors(codes)
            cross = (linear[row] * v).sum(1) if linear is not None else (gamma[row] * e.kernel(v, e.anchors)).sum(1)
            return norm2[row] + e.kernel.diagonal(v) - 2 * cross + (0.0 if rule is None else FORBIDDEN * ~rule(codes))

        return of

    def _best(self, energy: Energy, among: list[UInt8[np.ndarray, "n L"]]) -> UInt8[np.ndarray, "n L"]:
        """For each target the candidate nearest in H."""
        row = np.arange(len(among[0]))
        values = np.stack([energy(a, row) for a in among])
        return np.stack(among)[values.argmin(0), row]

    def _beam(
        self, z: Float[np.ndarray, "n r"], near: Int[np.ndarray, "n k"], automaton: Automaton | None
    ) -> list[UInt8[np.ndarray, "n L"]]:
        """The best strings of a beam search for each of the wanted counts; the nearest training string where none was found."""
        assert isinstance(self.features, Spectrum)
        automaton = None if automaton is None else automaton.over(self.alphabet)
        beam = Beam(len(self.alphabet), self.space.beam, CANDIDATES, automaton)
        out = []
        for wanted in self._wanted(z, near):
            tables = self.features.tables(wanted)
            asked = np.rint(tables[0][:, : len(self.alphabet)].sum(1)).astype(int)
            low = np.clip(np.minimum(self.sizes[near].min(1), asked) - 1, self.sizes.min(), self.training.shape[1])
            high = np.clip(np.maximum(self.sizes[near].max(1), asked) + 1, self.sizes.min(), self.training.shape[1])
            found, score = beam(tables, low, high)
            words = np.repeat(self.training[near[:, 0]][:, None], CANDIDATES, axis=1)
            there = score < 1e17
            words[there] = 0
            codes = np.append(self.alphabet, 0)[found].astype(np.uint8)
            words[:, :, : codes.shape[2]] = np.where(there[:, :, None], codes, words[:, :, : codes.shape[2]])
            out += list(words.transpose(1, 0, 2))
        return out

    def _wanted(self, z: Float[np.ndarray, "n r"], near: Int[np.ndarray, "n k"]) -> list[Float[np.ndarray, "n p"]]:
        """The counts to look for: the fixed point, which reaches what lies between no training strings, and means of training strings."""
        ways = ("simplex", "fixed_point") if self.embedding.kernel.radial else ("fixed_point",)
        scale = self.norms[near].mean(1, keepdims=True) if self.space.normalised else 1.0
        return [preimage(self.embedding, z, self.candidates, way) * scale for way in ways]

    def valid(self, objects: UInt8[np.ndarray, "n L"]) -> Bool[np.ndarray, " n"]:
        """Accepted by the dataset's rule (of its judge, where it has one); without a rule, made of letters of the training strings."""
        if self.judge is not None:
            return self.judge(objects)
        known = np.isin(objects, self.alphabet) | (np.arange(objects.shape[1]) >= lengths(objects)[:, None])
        return np.asarray(known.all(axis=1), bool)

    @property
    def advice(self) -> tuple[str, ...]:
        some = self.features(self.training[np.linspace(0, len(self.training) - 1, min(len(self.training), 300)).astype(int)])
        some = some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-12)
        alike = float((some @ some.T)[~np.eye(len(some), dtype=bool)].mean())
        if alike >= UNLIKE or self.space.normalised:
            return super().advice
        given = f"these strings share few substrings (mean cosine {alike:.2f}), so their mixtures are fractions of counts"
        return (*super().advice, f"{given} and decoded strings come out short: compare shares instead ('normalised')")

    @property
    def decoders(self) -> tuple[str, ...]:
        """All of them; "grammar" only where the dataset has a rule."""
        return tuple(d for d in DECODERS if d != "grammar" or self.automaton is not None)

    def with_decoder(self, name: str) -> FittedStrings:
        self._refuse_without_rule(name)
        return super().with_decoder(name)

    def _refuse_without_rule(self, decoder: str) -> None:
        if decoder == "grammar" and self.automaton is None:
            raise PartError(
                "decoder 'grammar' needs a rule and this dataset has none; choose decoder 'beam', or give one in "
                'meta["pattern"] (a regular expression) or meta["trigrams"]'
            )


def features_of(space: Strings, train: UInt8[np.ndarray, "n L"]) -> Spectrum | Gappy:
    """The vectors of the space; pieces as long as asked, but no longer than a table over the alphabet can hold."""
    if space.features == "gappy":
        return Gappy.fit(train, space.longest, space.decay)
    symbols = len(alphabet_of(train)) + 2
    return Spectrum.fit(train, max([1, *(p for p in range(2, space.longest + 1) if symbols**p <= MOST_SUBSTRINGS)]))
