"""One run <-> the four files of its folder.

`run.json` names the size and the SHA-256 of the other files and carries a digest of itself, so every change of any byte is noticed, and
the reason is said in one line. Reading believes nothing: every length, digest, version and type is checked before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from rkdiff.core.parts import PartError, digest
from rkdiff.experiment import Experiment, Run
from rkdiff.store.arrays import pack, plain, unpack

#: Version of the files' layout. A newer program reads older ones or says that it cannot.
FORMAT = 1

CONFIG, INDEX, ARRAYS, MODEL = "config.json", "run.json", "arrays.npz", "model.safetensors"


class DamagedRun(ValueError):
    """A folder of the store that is not a whole run.

    Attributes:
        key: the folder's name.
        reason: what is wrong, in one line.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"the stored run {key} is damaged: {reason}; delete it or run the experiment again")
        self.key, self.reason = key, reason


def write_files(folder: Path, run: Run) -> None:
    """Write a run into a new folder, forced to the disk before this returns."""
    from safetensors.numpy import save

    model = {name: plain(name, value) for name, value in run.model.items()}
    contents = {
        CONFIG: _json(run.experiment.to_dict()),
        ARRAYS: pack(run.arrays),
        MODEL: save(model),
    }
    index = {
        "format": FORMAT,
        "key": run.experiment.key,
        "saved": round(time.time(), 3),
        "files": {name: {"bytes": len(data), "sha256": _sha(data)} for name, data in contents.items()},
        "info": json.loads(_json(dict(run.info))),
    }
    contents[INDEX] = _json({**index, "digest": digest(index)})
    folder.mkdir()
    for name, data in contents.items():
        with (folder / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def read_index(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The experiment's JSON and `run.json`, after every check that needs no array to be read.

    Raises:
        FileNotFoundError: there is no such folder.
        DamagedRun: anything else that is wrong.
    """
    index = _parsed(folder, INDEX, _bytes(folder, INDEX))
    key = folder.name
    if index.get("format") != FORMAT:
        raise DamagedRun(key, f"{INDEX} has format {index.get('format')!r}, this program reads format {FORMAT}")
    if index.get("digest") != digest({k: v for k, v in index.items() if k != "digest"}):
        raise DamagedRun(key, f"{INDEX} was changed after it was written")
    for name in (CONFIG, ARRAYS, MODEL):
        size = (folder / name).stat().st_size if (folder / name).is_file() else None
        if size is None:
            raise DamagedRun(key, f"{name} is missing")
        if size != index["files"][name]["bytes"]:
            raise DamagedRun(key, f"{name} has {size} bytes instead of {index['files'][name]['bytes']}")
    return _parsed(folder, CONFIG, _checked(folder, CONFIG, index)), index


def as_run(folder: Path) -> Run:
    """The whole run, every digest checked.

    Raises:
        FileNotFoundError: there is no such folder.
        DamagedRun: it is not a whole run.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    config, index = read_index(folder)
    try:
        experiment = Experiment.from_dict(config)
    except PartError as error:
        raise DamagedRun(folder.name, f"its experiment cannot be read here ({error})") from None
    if not folder.name == index["key"] == experiment.key:
        raise DamagedRun(folder.name, f"it holds another experiment ({experiment.key})")
    try:
        arrays = unpack(_checked(folder, ARRAYS, index))
    except DamagedRun:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile, zlib and NumPy raise a dozen kinds for a bad file
        raise DamagedRun(folder.name, f"{ARRAYS} cannot be read ({_line(error)})") from None
    try:
        model: dict[str, np.ndarray] = load(_checked(folder, MODEL, index))
    except (SafetensorError, ValueError, KeyError) as error:
        if isinstance(error, DamagedRun):
            raise
        raise DamagedRun(folder.name, f"{MODEL} cannot be read ({_line(error)})") from None
    return Run(experiment, arrays, index["info"], model)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _json(value: Any) -> bytes:
    def number(x: Any) -> Any:
        if isinstance(x, (np.generic, np.ndarray)):
            return x.tolist()
        raise TypeError(f"{type(x).__name__} has no place in the information of a run; use numbers, texts, lists and dicts")

    return (json.dumps(value, indent=1, sort_keys=True, default=number) + "\n").encode()


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        if not folder.is_dir():
            raise
        raise DamagedRun(folder.name, f"{name} is missing") from None
    except OSError as error:
        raise DamagedRun(folder.name, f"{name} cannot be read ({error.strerror})") from None


def _checked(folder: Path, name: str, index: dict[str, Any]) -> bytes:
    data = _bytes(folder, name)
    if _sha(data) != index["files"][name]["sha256"]:
        raise DamagedRun(folder.name, f"{name} was changed after it was written")
    return data


def _parsed(folder: Path, name: str, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise DamagedRun(folder.name, f"{name} is not valid JSON") from None
    if not isinstance(value, dict):
        raise DamagedRun(folder.name, f"{name} is not a JSON object")
    return value
