"""Rules that decoded graphs are held to, whatever the coordinates ask for.

    connected  in one piece        tree  in one piece without loops        planar  in one piece, drawn without crossings
    soft       in pieces costs energy, but is allowed                      none    any graph
    nearest    the strictest of tree, planar, connected that the nearest training graph obeys: for data of several families

A rule is kept by construction: a graph to begin with is repaired (a spanning tree of its strongest edges, then the other edges from strong
to weak where the rule lets them), and the search (`rkdiff.spaces._graph_search`) makes no move that breaks it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from rkdiff.core.parts import PartError
from rkdiff.kernels.graphs import connected, join_pieces, nodes
from rkdiff.metrics.graph_rules import MOST_NODES, is_planar
from rkdiff.metrics.graphs import valid

CONSTRAINTS = ("auto", "connected", "tree", "planar", "nearest", "soft", "none")
#: the rule of a dataset -> the constraint that keeps it
_KEEPS = {"tree": "tree", "connected planar": "planar", "triangulation": "planar", "mixture": "nearest"}
_OBEYS = {"tree": "tree", "planar": "connected planar", "connected": "connected"}


def refuse_malformed(train: np.ndarray) -> None:
    """Raise where training objects are no simple graphs.

    Raises:
        PartError: not (n, N, N), no graph, more than 60 slots, not symmetric 0 and 1, an edge without its node, a graph without a node.
    """
    if train.ndim != 3 or train.shape[1] != train.shape[2] or not len(train):
        raise PartError(f"graphs come as (n, N, N) adjacency matrices with n >= 1; got an array of shape {train.shape}")
    if train.shape[1] > MOST_NODES:
        raise PartError(f"these graphs have room for {train.shape[1]} nodes; give graphs of at most {MOST_NODES}")
    if (train > 1).any() or (train != train.transpose(0, 2, 1)).any():
        raise PartError("graphs are symmetric matrices of 0 and 1; make the training graphs undirected and their edges 1")
    there = nodes(train)
    if (train.astype(bool) & ~(there[:, :, None] & there[:, None])).any():
        raise PartError("a training graph has an edge at a node that does not exist; nodes are marked by 1 on the diagonal")
    if not there.any(1).all():
        raise PartError("a training graph has no node; nodes are marked by 1 on the diagonal of the adjacency matrix")


def chosen(constraint: str, training: UInt8[np.ndarray, "n N N"], rule: str) -> str:
    """What "auto" stands for: what all training graphs obey, and no more than the dataset's rule names; other choices themselves.

    Raises:
        PartError: a choice that the training graphs themselves break.
    """
    if constraint != "auto":
        if constraint in _OBEYS and not (ok := valid(training, _OBEYS[constraint])).all():
            broken = f"{int((~ok).sum())} of {len(ok)} training graphs break it"
            raise PartError(f"graphs are to be held to {constraint!r}, but {broken}; choose 'auto', 'soft' or 'none'")
        return constraint
    if not connected(training).all():
        return "none"
    wanted = _KEEPS.get(rule, "connected")
    return wanted if valid(training, _OBEYS.get(wanted, "connected")).all() else "connected"


def strictest(graphs: UInt8[np.ndarray, "n N N"]) -> np.ndarray:
    """(n,) the strictest constraint that each graph obeys: "tree", "planar", "connected" or "none"."""
    out = np.full(len(graphs), "none", dtype="<U9")
    for constraint in ("connected", "planar", "tree"):
        out[valid(graphs, _OBEYS[constraint])] = constraint
    return out


def repair(
    graphs: UInt8[np.ndarray, "b N N"],
    constraint: str,
    rng: np.random.Generator,
    strength: Float[np.ndarray, "b N N"] | None = None,
) -> UInt8[np.ndarray, "b N N"]:
    """Copies that obey the constraint, with as many of the (strongest) edges as it lets; graphs that obey it already stay as they are."""
    if constraint not in _OBEYS:
        return graphs.copy()
    out = join_pieces(graphs, rng, strength)
    for i in np.flatnonzero(~valid(out, _OBEYS[constraint])):
        weight = rng.random(out[i].shape) if strength is None else strength[i] + 1e-9 * rng.random(out[i].shape)
        out[i] = _from_tree(out[i], weight, constraint)
    return out


def _from_tree(graph: UInt8[np.ndarray, "N N"], weight: Float[np.ndarray, "N N"], constraint: str) -> UInt8[np.ndarray, "N N"]:
    """A heaviest spanning tree, and for planar graphs all further edges that fit, the heaviest first."""
    u, v = np.nonzero(np.triu(graph, 1))
    order = np.argsort(-weight[u, v], kind="stable")
    piece = np.arange(len(graph))
    out, left = np.diag(np.diagonal(graph)), []
    for a, b in zip(u[order], v[order], strict=True):
        if piece[a] == piece[b]:
            left.append((a, b))
            continue
        piece[piece == piece[b]] = piece[a]
        out[a, b] = out[b, a] = 1
    for a, b in left if constraint == "planar" else ():
        out[a, b] = out[b, a] = 1
        if not is_planar(out):
            out[a, b] = out[b, a] = 0
    return out
