"""Named arrays <-> bytes, such that equal arrays give equal bytes.

The format is NumPy's own `.npz` (a zip of `.npy` members, NumPy enhancement proposal 1), readable by `np.load`. What is fixed here is
everything a zip usually lets vary: members come in the order of their names, uncompressed, little-endian, in C order, under one
constant date. Nothing is ever pickled, in either direction: an array of Python objects is refused.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np

_DATE = (1980, 1, 1, 0, 0, 0)


def plain(name: str, value: np.ndarray) -> np.ndarray:
    """The array in C order and little-endian.

    Raises:
        ValueError: the array holds Python objects, which only pickle could write.
    """
    a = np.asarray(value)
    if a.dtype.hasobject:
        raise ValueError(f"array {name!r} holds Python objects; a run keeps numbers, booleans and texts only: convert it first")
    return np.array(a, dtype=a.dtype.newbyteorder("<"), order="C", copy=None)


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of an `.npz` that depend on the names and the arrays alone."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = zipfile.ZipInfo(f"{name}.npy", _DATE)
            member.create_system, member.external_attr = 3, 0o644 << 16
            body = io.BytesIO()
            np.lib.format.write_array(body, plain(name, arrays[name]), allow_pickle=False)
            archive.writestr(member, body.getvalue())
    return out.getvalue()


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """The arrays that `pack` (or `np.savez`) wrote.

    Raises:
        ValueError, zipfile.BadZipFile, EOFError: not such a file, cut short, or holding Python objects.
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise zipfile.BadZipFile("not an archive of arrays")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
