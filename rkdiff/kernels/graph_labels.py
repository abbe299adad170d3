"""Labels that spread over a graph, and the two classic kernels that count: Weisfeiler-Lehman subtrees and shortest paths.

    colours    c_0 = 1 on every node; c_{k+1}(v) = the pair (c_k(v), multiset of c_k over v's neighbours)
    subtree    k(g, h) = sum over k = 0..depth and colours c of  #_g(c, k) #_h(c, k)
    paths      k(g, h) = sum over d >= 1 of P_g(d) P_h(d),   P(d) = ordered pairs of nodes at distance d

Shervashidze et al. 2011, "Weisfeiler-Lehman graph kernels"; Borgwardt and Kriegel 2005, "Shortest-path kernels on graphs". Colours are
64-bit hashes of what they stand for, so whole batches are refined by a few array operations and equal colours mean the same in every graph.
A ring of six and two triangles have the same colours at every depth: the subtree kernel takes them for one graph, shortest paths do not.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8, UInt64

MAX_DEPTH = 3


def mix(x: UInt64[np.ndarray, "*s"]) -> UInt64[np.ndarray, "*s"]:
    """Scramble 64-bit numbers (the finaliser of splitmix64, Steele, Lea and Flood 2014); arithmetic is modulo 2^64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def colours(graphs: UInt8[np.ndarray, "b N N"], depth: int) -> UInt64[np.ndarray, "k b N"]:
    """The colours after 0..depth refinements (k = depth + 1); 0 where there is no node."""
    size = graphs.shape[1]
    there = (np.diagonal(graphs, axis1=1, axis2=2) > 0).astype(np.uint64)
    links = (graphs > 0) & ~np.eye(size, dtype=bool)
    colour = mix(there + np.uint64(7)) * there
    out = [colour]
    for level in range(1, depth + 1):
        heard = np.where(links, mix(colour + np.uint64(level))[:, None], np.uint64(0)).sum(2, dtype=np.uint64)
        colour = mix(colour * np.uint64(0x9E3779B97F4A7C15) + mix(heard + np.uint64(level))) * there
        out.append(colour)
    return np.stack(out)


def vocabulary(graphs: UInt8[np.ndarray, "b N N"], depth: int) -> UInt64[np.ndarray, " v"]:
    """All colours that occur in these graphs, sorted."""
    found = np.unique(colours(graphs, depth))
    return found[found > 0]


def label_counts(graphs: UInt8[np.ndarray, "b N N"], known: UInt64[np.ndarray, " v"], depth: int) -> Float[np.ndarray, "b w"]:
    """How often each known colour occurs, and last the length of what is not known, so that rows have the full norm (w = v + 1)."""
    levels = colours(graphs, depth)
    b, width = len(graphs), len(known) + 1
    at = np.minimum(np.searchsorted(known, levels), max(len(known) - 1, 0))
    hit = (known[at] == levels) if len(known) else np.zeros(levels.shape, bool)
    column = np.where(hit, at, len(known)) + width * np.arange(b)[:, None]
    out = np.bincount(column.ravel(), hit.ravel().astype(float), b * width).reshape(b, width)
    same = (levels[..., :, None] == levels[..., None, :]) & (levels > 0)[..., None]
    norm2 = same.sum((0, 2, 3)).astype(float)  # equal pairs of nodes, level by level: the sum of squared counts
    out[:, -1] = np.sqrt(np.maximum(norm2 - (out**2).sum(1), 0.0))
    return out


def subtree_gram(a: UInt8[np.ndarray, "n N N"], b: UInt8[np.ndarray, "m M M"], depth: int = 1) -> Float[np.ndarray, "n m"]:
    """The subtree kernel, not normalised, summed over the levels 0..depth; all nodes begin with one label."""
    known = np.unique(np.concatenate([vocabulary(a, depth), vocabulary(b, depth)]))
    return label_counts(a, known, depth)[:, :-1] @ label_counts(b, known, depth)[:, :-1].T


def path_counts(graphs: UInt8[np.ndarray, "b N N"]) -> Float[np.ndarray, "b N"]:
    """Ordered pairs of different nodes at distance 1, 2, .., N - 1; last the pairs with no path between them."""
    size = graphs.shape[1]
    out = np.zeros((len(graphs), size))
    step = (graphs > 0).astype(np.float32)  # the diagonal says "stay", so powers reach everything up to a distance
    n = np.diagonal(graphs, axis1=1, axis2=2).sum(1).astype(float)
    reach, inside = step, step.sum((1, 2))
    out[:, 0] = inside - n
    for d in range(2, size):
        reach = (reach @ step > 0).astype(np.float32)
        now = reach.sum((1, 2))
        if (now == inside).all():
            break
        out[:, d - 1], inside = now - inside, now
    out[:, -1] = n * n - inside
    return out


def shortest_path_gram(a: UInt8[np.ndarray, "n N N"], b: UInt8[np.ndarray, "m M M"]) -> Float[np.ndarray, "n m"]:
    """The shortest-path kernel on graphs without labels, not normalised: equal distances between ordered pairs of nodes."""
    x, y = path_counts(a)[:, :-1], path_counts(b)[:, :-1]
    far = min(x.shape[1], y.shape[1])
    return x[:, :far] @ y[:, :far].T


def normalised(counts: Float[np.ndarray, "b w"]) -> Float[np.ndarray, "b w"]:
    """Rows of length one, whose inner product is the cosine (rows of zeros stay)."""
    length = np.linalg.norm(counts, axis=1, keepdims=True)
    return counts / np.where(length > 0, length, 1.0)


def cosine(gram: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """k(g, h) / sqrt(k(g, g) k(h, h)) from the Gram matrix of one set of graphs."""
    d = np.sqrt(np.diagonal(gram))
    return gram / np.maximum(np.outer(d, d), np.finfo(float).tiny)
