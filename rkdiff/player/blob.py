"""One run of bytes: a small JSON header and the arrays it points to.

    uint32 length of the header | header, UTF-8 JSON | zeros up to a multiple of 4 | body

Each array in the body starts at a multiple of 4 and is described in the header by `{"dtype", "shape", "offset", "scale", "zero"}`. The law
of reading is the same for every array: value = stored * scale + zero, where `scale` is one number or one per frame (first axis) and `zero`
is one number or one per coordinate (last axis). All numbers are little-endian. The header's `digest` is a hash of everything else, so equal
scenes are equal bytes with an equal digest.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import numpy as np

_TYPES = {"int16": "<i2", "uint8": "<u1", "float32": "<f4"}


class Blob:
    """Collects arrays into a body and hands back their addresses."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def raw(self, stored: np.ndarray, dtype: str, scale: Any = 1, zero: Any = 0) -> dict[str, Any]:
        """Append an array that is already in its stored form."""
        data = np.ascontiguousarray(stored, _TYPES[dtype]).tobytes()
        address = {"dtype": dtype, "shape": list(stored.shape), "offset": self._size, "scale": scale, "zero": zero}
        self._append(data)
        return address

    def quantised(self, values: np.ndarray, zero: Any = 0.0, per_frame: bool = False) -> dict[str, Any]:
        """Append as int16, exact to half a quantum; `per_frame` gives each entry of the first axis a quantum of its own."""
        zero = np.asarray(zero, np.float64)
        off = np.asarray(values, np.float64) - zero
        axes = tuple(range(1, off.ndim)) if per_frame else None
        reach = np.abs(off).max(axis=axes) if off.size else np.zeros(len(off) if per_frame else ())
        scale = np.where(reach > 0, reach, 1.0) / 32767
        step = scale.reshape(-1, *[1] * (off.ndim - 1)) if per_frame else scale
        return self.raw(np.rint(off / step), "int16", scale.tolist(), zero.tolist())

    def shades(self, values: np.ndarray) -> dict[str, Any]:
        """Append numbers in 0..1 as bytes."""
        return self.raw(np.rint(np.clip(values, 0, 1) * 255), "uint8", 1 / 255)

    def take(self, address: dict[str, Any], body: bytes) -> dict[str, Any]:
        """Append an array of another body as it is stored there; returns where it stands now."""
        size = int(np.prod(address["shape"], dtype=int)) * np.dtype(_TYPES[address["dtype"]]).itemsize
        data = body[address["offset"] : address["offset"] + size]
        offset = self._size
        self._append(data)
        return {**address, "offset": offset}

    def _append(self, data: bytes) -> None:
        data += b"\0" * (-len(data) % 4)
        self._parts.append(data)
        self._size += len(data)

    def join(self, header: dict[str, Any]) -> bytes:
        """The whole run of bytes; adds the digest to the header."""
        body = b"".join(self._parts)
        content = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        digest = hashlib.sha256(content + body).hexdigest()[:16]
        head = json.dumps({"digest": digest, **header}, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return struct.pack("<I", len(head)) + head + b"\0" * (-(4 + len(head)) % 4) + body


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header as it is written, and the body.

    Raises:
        ValueError: bytes that are no packed scene.
    """
    try:
        (length,) = struct.unpack_from("<I", data)
        header = json.loads(data[4 : 4 + length])
        header["panels"]
    except (struct.error, ValueError, KeyError, TypeError):
        raise ValueError(f"these {len(data)} bytes are no packed scene; make one with rkdiff.player.pack(scene)") from None
    return header, data[(4 + length + 3) // 4 * 4 :]


def load(address: dict[str, Any], body: bytes) -> np.ndarray:
    """The values behind an address."""
    shape = tuple(address["shape"])
    stored = np.frombuffer(body, _TYPES[address["dtype"]], int(np.prod(shape, dtype=int)), address["offset"]).reshape(shape)
    scale = np.asarray(address["scale"])
    step = scale.reshape(-1, *[1] * (len(shape) - 1)) if scale.ndim else scale
    if address["scale"] == 1 and address["zero"] == 0:
        return stored.copy()
    return stored * step + np.asarray(address["zero"])
