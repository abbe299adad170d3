"""Randomness is an argument: one seed, many named streams.

`Rng(3).numpy("data")` and `Rng(3).torch("prior")` are independent of each other and of the order in which they are asked for, so
adding a draw somewhere never changes the numbers elsewhere. Torch generators always live on the CPU: numbers are drawn there and
moved, which is what lets a CPU and a GPU follow the same noise.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from rkdiff.core.tensors import torch


@dataclass(frozen=True)
class Rng:
    """A seed and a path of names; each name opens an independent stream."""

    seed: int
    path: tuple[str, ...] = ()

    def child(self, name: str) -> Rng:
        """A family of streams under a name of its own."""
        return Rng(self.seed, (*self.path, name))

    def _sequence(self, name: str) -> np.random.SeedSequence:
        return np.random.SeedSequence([self.seed, *(zlib.crc32(p.encode()) for p in (*self.path, name))])

    def numpy(self, name: str) -> np.random.Generator:
        """A fresh NumPy generator for this name; asking twice gives the same numbers."""
        return np.random.default_rng(self._sequence(name))

    def torch(self, name: str) -> torch.Generator:
        """A fresh CPU torch generator for this name."""
        return torch.Generator().manual_seed(self.integer(name))

    def integer(self, name: str) -> int:
        """A 63-bit integer for libraries that only take a seed."""
        return int(self._sequence(name).generate_state(1, np.uint64)[0] >> 1)
