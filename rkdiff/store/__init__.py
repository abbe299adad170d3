"""Where runs are kept: one folder a run, named by the experiment's key.

    <root>/<key>/config.json          the experiment, enough to do the run again
                 run.json             format, time, device, quality figures; size and SHA-256 of the other files
                 arrays.npz           trajectory, targets, densities, decoded objects, loss
                 model.safetensors    what was learned

A run is written in a hidden folder beside the others and moved into place by one rename, so a crash at any moment leaves either the
whole run or none; hidden leftovers are swept later. Nothing is unpickled, and reading needs neither torch nor the network. A damaged
run is told apart from a whole one, named with its reason, and never in the way of the others.

Law: `load(save(run))` equals the run, and equal runs write byte-equal `arrays.npz` and `model.safetensors`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rkdiff.core.parts import PartError, shown
from rkdiff.experiment import Run
from rkdiff.store.folder import DamagedRun, as_run, read_entry, write_files
from rkdiff.store.refusal import UnwritableStore

__all__ = ["DamagedRun", "MissingRun", "Store", "Summary", "UnwritableStore", "valid_key"]

T = TypeVar("T")

#: A hidden folder older than this belongs to nobody who still writes.
_LEFTOVER_SECONDS = 3600.0
#: What is written, and removed, to see whether a run could be kept.
_PROBE_BYTES = 1_000_000


class MissingRun(LookupError):
    """The store holds no run under that key."""


@dataclass(frozen=True)
class Summary:
    """What a list shows of a kept run, without reading its arrays.

    Attributes:
        experiment: the experiment as plain JSON (`Experiment.from_dict` reads it).
        info: the run's device, seconds, quality figures and versions.
        saved: when it was kept, in seconds since 1970.
        size: bytes on disk.
    """

    key: str
    experiment: Mapping[str, Any]
    info: Mapping[str, Any]
    saved: float
    size: int


def valid_key(key: str) -> str:
    """The key, if it is one.

    Raises:
        ValueError: anything but 8 to 64 small hexadecimal digits, so that a key can never lead out of the store.
    """
    if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{8,64}", key):
        raise ValueError(
            f"{key!r:.80} is not the key of a run; a key is 16 hexadecimal digits, as `rkdiff list runs` shows them"
        )
    return key


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another that was moved into its place; None where there is none."""
    try:
        seen = folder.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns


def _remove(path: Path) -> None:
    """Remove a folder, or whatever else bears its name."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


class Store:
    """Runs in a folder. Several processes may read and write it at once.

    Args:
        root: the folder; by default the environment's RKDIFF_STORE, else ./runs. It is made when the first run is kept.
    """

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self.root = Path(root or os.environ.get("RKDIFF_STORE") or "runs").expanduser().absolute()

    def path(self, key: str) -> Path:
        """The folder of a run, whether or not it is there."""
        return self.root / valid_key(key)

    def has(self, key: str) -> bool:
        """Whether `load` would give a run: every byte is checked, so that a damaged run is done again."""
        try:
            self.load(key)
        except (DamagedRun, MissingRun):
            return False
        return True

    def check_writable(self) -> None:
        """Write a little and remove it, so that a full or closed disk is noticed before the work and not after it.

        Raises:
            UnwritableStore: no run could be kept here; the message says why.
        """
        probe = self.root / f".new-probe-{uuid.uuid4().hex}"
        with self._kept():
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                with probe.open("wb") as file:
                    file.write(bytes(_PROBE_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                _remove(probe)

    def save(self, run: Run) -> str:
        """Keep a run and return its key. The same run again changes nothing; a different one under the key takes its place.

        Raises:
            UnwritableStore: the folder cannot hold it; the message says why.
        """
        key = valid_key(run.experiment.key)
        fresh = self._hidden("new", key)
        with self._kept():
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                self._sweep()
                write_files(fresh, run)
                for _ in range(50):
                    if self._same_files(fresh, self.path(key)) or self._moved(fresh, self.path(key)):
                        return key
                raise OSError(f"something else keeps writing run {key}")
            finally:
                _remove(fresh)

    def load(self, key: str) -> Run:
        """The whole run, checked.

        Raises:
            MissingRun: nothing is kept under this key.
            DamagedRun: something is, but it is not a whole run of this version; the message says what is wrong.
        """
        try:
            return self._steadily(self.path(key), as_run)
        except FileNotFoundError:
            raise MissingRun(f"no run {key} in {self.root}; it may have been deleted") from None

    def delete(self, key: str) -> bool:
        """Remove a run, whole or damaged; says whether there was one."""
        gone = self._hidden("old", key)
        try:
            self.path(key).rename(gone)
        except OSError:
            if os.path.lexists(self.path(key)):
                raise
            return False
        _remove(gone)
        return True

    def whole(self, beginning: str) -> str:
        """The one kept key that begins like this.

        Raises:
            PartError: no such run, several of them, or fewer than 4 hexadecimal digits.
        """
        if not re.fullmatch(r"[0-9a-f]{4,64}", beginning):
            raise PartError(
                f"{shown(beginning)} is not the key of a run; give its 16 hexadecimal digits or the first 4 or more of them"
            )
        found = [s.key for s in self.list()] + [d.key for d in self.damaged()]
        fit = [key for key in found if key.startswith(beginning)]
        if len(fit) > 1 and beginning not in fit:
            raise PartError(f"{beginning} may be {' or '.join(sorted(fit)[:5])}; give more digits")
        if not fit:
            raise PartError(f"no run {beginning} in {self.root}; `python -m rkdiff list runs` shows what is there")
        return beginning if beginning in fit else fit[0]

    def list(self) -> tuple[Summary, ...]:
        """The kept runs, newest first; damaged ones are left out (see `damaged`)."""
        found = [s for s in self._read_all() if isinstance(s, Summary)]
        return tuple(sorted(found, key=lambda s: (-s.saved, s.key)))

    def damaged(self) -> tuple[DamagedRun, ...]:
        """The runs that `list` leaves out, each with its reason."""
        return tuple(s for s in self._read_all() if isinstance(s, DamagedRun))

    def _read_all(self) -> Iterator[Summary | DamagedRun]:
        try:
            folders = sorted(self.root.iterdir())
        except OSError:
            return  # no folder, or none that may be looked into: nothing is kept here for us
        for folder in folders:
            if not re.fullmatch(r"[0-9a-f]{8,64}", folder.name):
                continue
            try:
                _, config, index = self._steadily(folder, read_entry)
                size = sum(f["bytes"] for f in index["files"].values())
                yield Summary(folder.name, config, index["info"], float(index["saved"]), size)
            except DamagedRun as damage:
                yield damage
            except FileNotFoundError:
                continue  # deleted meanwhile

    def _steadily(self, folder: Path, read: Callable[[Path], T]) -> T:
        """Read a run that others may just be replacing: what is missing or does not fit counts only if the folder stayed the same."""
        for _ in range(100):
            before = _identity(folder)
            try:
                return read(folder)
            except (DamagedRun, FileNotFoundError):
                if before == _identity(folder):
                    raise
        raise DamagedRun(folder.name, "something keeps replacing it")

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """What the system says against writing, in plain words."""
        try:
            yield
        except OSError as error:
            raise UnwritableStore(self.root, error) from error

    def _hidden(self, purpose: str, key: str) -> Path:
        return self.root / f".{purpose}-{valid_key(key)}-{uuid.uuid4().hex}"

    def _same_files(self, fresh: Path, kept: Path) -> bool:
        """Whether the run is already kept, byte for byte."""
        try:
            files = read_entry(kept).record["files"]
            return all((kept / name).read_bytes() == (fresh / name).read_bytes() for name in files)
        except (DamagedRun, OSError):
            return False

    def _moved(self, fresh: Path, kept: Path) -> bool:
        """Try to put `fresh` in the place of `kept`; False where another process was there first."""
        aside = self._hidden("aside", kept.name)
        with contextlib.suppress(FileNotFoundError):
            kept.rename(aside)
        try:
            fresh.rename(kept)
        except OSError:
            with contextlib.suppress(OSError):
                aside.rename(kept)  # fails where another process has put its run there, which is as well
            return False
        finally:
            _remove(aside)
        return True

    def _sweep(self) -> None:
        """Remove what crashes left behind; a run that was only moved aside when its successor was lost comes back."""
        for leftover in self.root.glob(".*-*-*"):
            purpose, _, key = leftover.name[1:].rpartition("-")[0].partition("-")
            with contextlib.suppress(OSError):
                if time.time() - leftover.lstat().st_mtime < _LEFTOVER_SECONDS:
                    continue
                if purpose == "aside" and not self.path(key).exists():
                    leftover.rename(self.path(key))
                elif purpose in {"new", "old", "aside"}:
                    _remove(leftover)
