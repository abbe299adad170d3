"""Reads a regular expression into its positions: which letters may come first, which may follow which, which may be last.

Every letter, class or dot of the pattern is a position. A piece of the pattern is a triple: may it be empty, its first positions, its last
positions. Joining, choosing and repeating pieces combines the triples and adds to what may follow a position (Glushkov 1961, "The abstract
theory of automata"). Understood are letters, `[abc]`, `.`, `|`, `( )`, `?`, `*`, `+`, `{m}` and `{m,n}`.
"""

from __future__ import annotations

import re

from rkdiff.core.parts import PartError

_TOKEN = re.compile(r"\[([A-Za-z0-9]+)\]|\{(\d+)(?:,(\d+))?\}|([A-Za-z0-9.])|([|()?*+])")

_Piece = tuple[bool, set[int], set[int]]


def read(pattern: str, alphabet: str) -> tuple[list[str], bool, set[int], set[int], list[set[int]]]:
    """The letters of each position, whether the empty word fits, the first and the last positions, and what may follow each.

    Raises:
        PartError: the pattern uses something else.
    """
    return _Reader(pattern, alphabet).read()


class _Reader:
    """Walks over the pattern from left to right, piece by piece."""

    def __init__(self, pattern: str, alphabet: str) -> None:
        self.pattern, self.alphabet, self.at = pattern, alphabet, 0
        self.positions: list[str] = []
        self.follow: list[set[int]] = []

    def read(self) -> tuple[list[str], bool, set[int], set[int], list[set[int]]]:
        nullable, first, last = self.either()
        if self.at < len(self.pattern):
            self.refuse()
        return self.positions, nullable, first, last, self.follow

    def refuse(self) -> None:
        rest = self.pattern[self.at : self.at + 20] or "its end"
        raise PartError(
            f"the pattern {self.pattern[:60]!r} cannot be read at {rest!r}; use letters, [abc] . | ( ) ? * + {{m,n}}"
        )

    def look(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def either(self) -> _Piece:
        nullable, first, last = self.row()
        while self.look() == "|":
            self.at += 1
            n, f, e = self.row()
            nullable, first, last = nullable or n, first | f, last | e
        return nullable, first, last

    def row(self) -> _Piece:
        whole: _Piece = (True, set(), set())
        while self.look() not in ("", "|", ")"):
            whole = self.joined(whole, self.repeated())
        return whole

    def joined(self, a: _Piece, b: _Piece) -> _Piece:
        for i in a[2]:
            self.follow[i] |= b[1]
        return a[0] and b[0], a[1] | b[1] if a[0] else a[1], a[2] | b[2] if b[0] else b[2]

    def repeated(self) -> _Piece:
        begin = self.at
        piece = self.atom()
        if self.look() and self.look() in "?*+{":
            found = _TOKEN.match(self.pattern, self.at)
            if found is None:
                self.refuse()
            assert found is not None
            after = found.end()
            if found[5]:
                if found[5] in "*+":
                    for i in piece[2]:
                        self.follow[i] |= piece[1]
                piece = (piece[0] or found[5] in "?*", piece[1], piece[2])
            else:
                piece = self.times(begin, int(found[2]), int(found[3] or found[2]), piece)
            self.at = after
        return piece

    def times(self, begin: int, low: int, high: int, piece: _Piece) -> _Piece:
        """The atom that begins at `begin`, between low and high times: written out."""
        if not low <= high <= 100 or high == 0:
            self.refuse()
        whole = piece if low else (True, piece[1], piece[2])
        for k in range(1, high):
            self.at = begin
            again = self.atom()
            whole = self.joined(whole, again if k < low else (True, again[1], again[2]))
        return whole

    def atom(self) -> _Piece:
        found = _TOKEN.match(self.pattern, self.at)
        if found is None:
            self.refuse()
        assert found is not None
        if found[5] == "(":
            self.at += 1
            piece = self.either()
            if self.look() != ")":
                self.refuse()
            self.at += 1
            return piece
        if not (found[1] or found[4]):
            self.refuse()
        self.at = found.end()
        self.positions.append(found[1] or (self.alphabet if found[4] == "." else found[4]))
        self.follow.append(set())
        here = {len(self.positions) - 1}
        return False, here, set(here)
