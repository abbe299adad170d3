"""The only place where NumPy meets torch, and the only one that decides on devices, precision and threads.

torch takes seconds to import and the Streamlit process must never pay for it, so `torch` here is a stand-in that imports on first
use: `from rkdiff.core.tensors import torch` costs nothing. Everything that draws is float64 where the device has it (CPU, CUDA);
Apple's MPS has none, so float32 there. One thread by default: small matrices on few cores run faster that way.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch as torch
else:

    class _Later:
        """A module that is imported when one of its names is first asked for."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            module = importlib.import_module(self._name)
            if self._name == "torch" and not getattr(module, "_rkdiff_threads", False):
                module.set_num_threads(int(os.environ.get("RKDIFF_THREADS", "1")))
                module._rkdiff_threads = True
            return getattr(module, attribute)

    torch = _Later("torch")

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(wanted: str = "auto") -> str:
    """The device to use: CUDA, else MPS, else CPU; or the one that was asked for, if it is there.

    Raises:
        ValueError: unknown name, or a device this machine lacks.
    """
    if wanted not in DEVICES:
        raise ValueError(f"device is {wanted!r}; choose one of {', '.join(DEVICES)}")
    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(d for d in ("cuda", "mps", "cpu") if have[d])
    if not have[wanted]:
        there = ", ".join(d for d, ok in have.items() if ok)
        raise ValueError(f"device {wanted!r} is not on this machine; choose one of auto, {there}")
    return wanted


def device_name(device: str) -> str:
    """The device as a person knows it, for the badge."""
    return torch.cuda.get_device_name() if device == "cuda" else {"mps": "Apple GPU"}.get(device, "CPU")


def precision(device: str) -> torch.dtype:
    """float64 where the device has it, else float32."""
    return torch.float32 if device == "mps" else torch.float64


def to_torch(x: np.ndarray, device: str = "cpu") -> torch.Tensor:
    """A tensor on the device: floats in the device's precision, integers as int64."""
    a = np.ascontiguousarray(x)
    kind = precision(device) if a.dtype.kind == "f" else torch.int64
    return torch.as_tensor(a).to(device=device, dtype=kind)


def to_numpy(x: torch.Tensor) -> np.ndarray:
    """A NumPy array of its own, off the device."""
    out: np.ndarray = x.detach().cpu().numpy().copy()
    return out


def randn(shape: tuple[int, ...], generator: torch.Generator, like: torch.Tensor) -> torch.Tensor:
    """Standard normals drawn on the CPU in float64 and moved to where `like` is: every device sees the same noise."""
    z = torch.randn(shape, generator=generator, dtype=torch.float64)
    return z.to(device=like.device, dtype=like.dtype)
