"""One run <-> the four files of its folder.

`run.json` names the size and the SHA-256 of the other files and carries a digest of itself, so every change of any byte is noticed, and
the reason is said in one line. Reading believes nothing: every length, digest, version and type is checked before it is used. The
folder's name is the digest of the experiment as it was written, so runs from before a knob existed stay readable: it takes its default.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

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

    def __init__(self, key: str, reason: str, foreign: bool = False) -> None:
        what = "was made by another version" if foreign else "is damaged"
        super().__init__(f"the stored run {key} {what}: {reason}; delete it or run the experiment again")
        self.key, self.reason = key, reason


class Entry(NamedTuple):
    """What is known of a run before its arrays are read."""

    experiment: Experiment
    config: dict[str, Any]
    record: dict[str, Any]


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


def read_entry(folder: Path) -> Entry:
    """The experiment and `run.json`, after every check that needs no array to be read.

    Raises:
        FileNotFoundError: there is no such folder.
        DamagedRun: anything else that is wrong.
    """
    key, index = folder.name, _index(folder)
    for name in (CONFIG, ARRAYS, MODEL):
        with _told(folder, name):
            size, wanted = (folder / name).stat().st_size, index["files"][name]["bytes"]
        if size != wanted:
            raise DamagedRun(key, f"{name} has {size} bytes instead of {wanted}")
    config = _parsed(folder, CONFIG, _checked(folder, CONFIG, index))
    if not key == index["key"] == _digest(config):
        raise DamagedRun(key, f"it holds another experiment ({_digest(config)})")
    try:
        return Entry(Experiment.from_dict(config), config, index)
    except PartError as error:
        raise DamagedRun(key, str(error), foreign=True) from None
    except Exception as error:  # noqa: BLE001 - a signed text may hold anything in place of a part
        raise DamagedRun(key, f"{CONFIG} is no experiment ({_line(error)})") from None


def as_run(folder: Path) -> Run:
    """The whole run, every digest checked.

    Raises:
        FileNotFoundError: there is no such folder.
        DamagedRun: it is not a whole run.
    """
    from safetensors.numpy import load

    experiment, _, index = read_entry(folder)
    arrays = _decoded(folder, ARRAYS, index, unpack)
    return Run(experiment, arrays, index["info"], _decoded(folder, MODEL, index, load))


def _decoded(folder: Path, name: str, index: dict[str, Any], decode: Callable[[bytes], Any]) -> dict[str, np.ndarray]:
    data = _checked(folder, name, index)
    try:
        return dict(decode(data))
    except Exception as error:  # noqa: BLE001 - zipfile, zlib, NumPy and safetensors raise a dozen kinds for a bad file
        raise DamagedRun(folder.name, f"{name} cannot be read ({_line(error)})") from None


def _index(folder: Path) -> dict[str, Any]:
    """`run.json`, once its version, digest and entries are right."""
    key, index = folder.name, _parsed(folder, INDEX, _bytes(folder, INDEX))
    version = index.get("format")
    if version != FORMAT:
        said = f"{INDEX} has format {version!r:.40}, this program reads format {FORMAT}"
        raise DamagedRun(key, said, foreign=isinstance(version, int))
    if index.get("digest") != _digest({k: v for k, v in index.items() if k != "digest"}):
        raise DamagedRun(key, f"{INDEX} was changed after it was written")
    files, saved = index.get("files"), index.get("saved")
    whole = isinstance(files, dict) and files.keys() == {CONFIG, ARRAYS, MODEL} and all(map(_is_file_entry, files.values()))
    whole = whole and isinstance(index.get("info"), dict) and isinstance(index.get("key"), str)
    if not (whole and isinstance(saved, (int, float)) and 0 <= saved < 2e11):  # calendars end with the year 9999
        raise DamagedRun(key, f"{INDEX} is incomplete or holds something else")
    return index


def _is_file_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("bytes"), int) and isinstance(entry.get("sha256"), str)


def _digest(value: Any) -> str:
    """The digest of parsed JSON; that of nothing where it is nested too deeply to be written again."""
    try:
        return digest(value)
    except RecursionError:
        return ""


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


@contextlib.contextmanager
def _told(folder: Path, name: str) -> Iterator[None]:
    """Everything the system may say against reading a file, as `DamagedRun`, or `FileNotFoundError` where there is no such folder."""
    try:
        yield
    except OSError as error:
        if _absent(folder):
            raise FileNotFoundError(folder) from None
        missing = isinstance(error, FileNotFoundError)
        reason = f"{name} is missing" if missing else f"{name} cannot be read ({error.strerror})"
        raise DamagedRun(folder.name, reason) from None


def _absent(folder: Path) -> bool:
    """Whether nothing has this name: not even a link that leads nowhere, and nothing that merely may not be looked at."""
    try:
        folder.lstat()
    except OSError as error:
        return error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
    return False


def _bytes(folder: Path, name: str) -> bytes:
    with _told(folder, name):
        if not stat.S_ISREG((folder / name).stat().st_mode):  # a pipe would be waited for without end
            raise DamagedRun(folder.name, f"{name} is no ordinary file")
        return (folder / name).read_bytes()


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
