"""Orbit counts: in how many ways the nodes of a graph sit in its induced subgraphs of two, three and four nodes.

The 15 orbits are numbered as by Pržulj 2007, "Biological network comparison using graphlet degree distribution", figure 1. All subsets of
four nodes of all graphs are looked at in one vectorised pass: the six pairs of a subset make a code from 0 to 63, and a table of 64 rows,
filled once from the definition, says which orbits that code adds to. Orbits 0 to 3 (edge, path, triangle) come from closed formulas.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int, UInt8

from rkdiff.kernels.graphs import adjacency

_PAIRS = tuple(combinations(range(4), 2))
#: sorted degrees of a connected graphlet of four nodes -> orbit of the nodes of each degree
_ORBIT_OF: dict[tuple[int, ...], dict[int, int]] = {
    (1, 1, 2, 2): {1: 4, 2: 5},  # path
    (1, 1, 1, 3): {1: 6, 3: 7},  # star
    (2, 2, 2, 2): {2: 8},  # cycle
    (1, 2, 2, 3): {1: 9, 2: 10, 3: 11},  # triangle with a tail
    (2, 2, 3, 3): {2: 12, 3: 13},  # diamond
    (3, 3, 3, 3): {3: 14},  # complete
}


@cache
def _table() -> Float[np.ndarray, "64 15"]:
    """What each code of six pairs adds to the orbits; zero for disconnected subsets."""
    out = np.zeros((64, 15))
    for code in range(64):
        degree = [0] * 4
        for bit, pair in enumerate(_PAIRS):
            for node in pair:
                degree[node] += code >> bit & 1
        for d in degree:
            orbits = _ORBIT_OF.get(tuple(sorted(degree)))
            if orbits:
                out[code, orbits[d]] += 1
    return out


@cache
def _subsets(size: int) -> Int[np.ndarray, "s 4"]:
    return np.array(list(combinations(range(size), 4)), dtype=np.int64).reshape(-1, 4)


def orbit_counts(graphs: UInt8[np.ndarray, "n N N"], chunk: int = 2_000_000) -> Float[np.ndarray, "n 15"]:
    """Orbit counts summed over the nodes of each graph."""
    a = adjacency(graphs)
    out = np.zeros((len(graphs), 15))
    d, triangles = a.sum(2), ((a @ a) * a).sum((1, 2)) / 6
    paths = (d * (d - 1)).sum(1) / 2 - 3 * triangles
    out[:, 0], out[:, 1], out[:, 2], out[:, 3] = d.sum(1), 2 * paths, paths, 3 * triangles
    four = _subsets(a.shape[1])
    if not len(four):
        return out
    bits = a.astype(np.uint8)
    step = max(1, chunk // len(four))
    for i in range(0, len(graphs), step):
        part = bits[i : i + step]
        code = sum(part[:, four[:, u], four[:, v]] << np.uint8(bit) for bit, (u, v) in enumerate(_PAIRS))
        seen = np.zeros((len(part), 64))
        for row, codes in zip(seen, np.asarray(code), strict=True):
            row += np.bincount(codes, minlength=64)
        out[i : i + step] += seen @ _table()
    return out
