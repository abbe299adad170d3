"""From counts of substrings back to a string, by a walk over bridges.

The p-grams of a string are the edges of a multigraph whose nodes are (p-1)-grams, and the string is a walk that uses each edge once: an
Eulerian path in de Bruijn's graph (Cortes, Mohri and Weston 2005, "A general regression technique for learning transductions", section 4).
Counts that belong to some string lead back to one with the same counts, though not always to the same string ("ab" and "ba" make "aba" or
"bab"); counts that belong to none, as most points of H ask for, have no such path, and a beam search has to find the nearest.
"""

from __future__ import annotations

from collections.abc import Mapping

from rkdiff.core.parts import PartError


def from_counts(counts: Mapping[str, int]) -> str | None:
    """A string whose p-grams are exactly these, p >= 2 letters each; None where there is none.

    Raises:
        PartError: the p-grams are of different lengths, or single letters.
    """
    import networkx as nx

    edges = {u: n for u, n in counts.items() if n > 0}
    if not edges:
        return ""
    lengths = {len(u) for u in edges}
    if len(lengths) > 1 or min(lengths) < 2:
        raise PartError(f"the substrings have lengths {sorted(lengths)}; give substrings of one length, 2 or more")
    graph = nx.MultiDiGraph()
    for u, n in edges.items():
        graph.add_edges_from([(u[:-1], u[1:])] * n)
    if not nx.has_eulerian_path(graph):
        return None
    walk = list(nx.eulerian_path(graph))
    return str(walk[0][0]) + "".join(node[-1] for _, node in walk)
