"""The one place where data meets methods: Experiment -> stream -> Run.

    Source.make -> Space.fit -> Method.fit -> [Guidance.wrap] -> Sampler.stream -> decode -> quality -> Run

An `Experiment` is frozen, hashable and plain JSON; its `key` names the run in the store. `stream` yields `Progress` and, last, the `Run`.
Everything random comes from named streams of one seed, so experiments that differ only in method or schedule share the data, the start
and the Brownian path, and the same experiment gives the same bytes on the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from rkdiff.core.parts import PartError, check_knobs, checked, choices, digest, from_dict, knob, knobs, make, shown
from rkdiff.core.records import Trajectory
from rkdiff.data import Source
from rkdiff.guidance import Guidance
from rkdiff.methods import Method
from rkdiff.processes.schedules import Grid, Schedule
from rkdiff.processes.spacings import Spacing
from rkdiff.samplers import Sampler
from rkdiff.spaces import Space

#: Version of the meaning of an experiment: part of the key, so that a change of meaning never reads an old run.
MEANING = 3

PARTS = ("data", "method", "space", "schedule", "spacing", "sampler", "guidance")


@dataclass(frozen=True)
class Experiment:
    """What to do, completely: parts and numbers. Parts left out are filled with the ones that fit.

    Raises:
        PartError: parts that cannot work together, or a number out of bounds.
    """

    data: Source
    method: Method
    space: Space | None = None
    schedule: Schedule | None = None
    spacing: Spacing | None = None
    sampler: Sampler | None = None
    guidance: Guidance | None = None
    particles: int = knob(1000, 1, 20000, help="how many particles are generated")
    steps: int = knob(40, 1, 500, help="how many steps the sampler takes from the noise to the data")
    start: str = knob(
        "sobol", options=("sobol", "iid", "forward"), help="evenly spread, independent, or noised data as the start"
    )
    shown: int = knob(
        8, 0, 24, label="Decoded particles", help="how many particles are decoded along the clock (structured data)"
    )
    decoded: int = knob(
        60, 0, 2000, label="Decoded at the end", help="how many particles are decoded at the end (structured data)"
    )
    moments: int = knob(
        12, 2, 40, advanced=True, label="Decoded moments", help="at how many moments of the clock they are decoded"
    )
    repeats: int = knob(
        3,
        1,
        20,
        advanced=True,
        label="Repeated starts",
        help="how many independent starts the quality figures are averaged over",
    )
    seed: int = knob(0, 0, 2**31 - 1, help="one seed for data, start and noise")

    def __post_init__(self) -> None:
        for kind in PARTS:
            if getattr(self, kind) is None:
                object.__setattr__(self, kind, default_part(kind, self.data, self.method))
        check_knobs(self)
        refuse_misfits(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON that `from_dict` reads back."""
        parts = {kind: getattr(self, kind).to_dict() for kind in PARTS}
        return {"meaning": MEANING, **parts, **{k.name: getattr(self, k.name) for k in knobs(Experiment)}}

    @classmethod
    def from_dict(cls, value: Any) -> Experiment:
        """The experiment of a JSON object; parts and numbers left out take their defaults.

        Raises:
            PartError: anything that is not an experiment, with the reason.
        """
        if not isinstance(value, Mapping):
            raise PartError(f"an experiment is a JSON object; got {type(value).__name__}")
        given = dict(value)
        meaning = given.pop("meaning", MEANING)
        if meaning != MEANING:
            raise PartError(
                f"this experiment was written by version {shown(meaning)} of the format; this program reads {MEANING}"
            )
        names = {f.name for f in fields(cls)}
        for name in given:
            if name not in names:
                raise PartError(f"an experiment has no entry {shown(name)}; it has {', '.join(sorted(names))}")
        for needed in ("data", "method"):
            if given.get(needed) is None:
                raise PartError(f"an experiment needs {needed!r}: one of {', '.join(choices(needed))}")
        parts = {k: from_dict(k, given[k]) for k in PARTS if given.get(k) is not None}
        return cls(**parts, **{k.name: checked("Experiment", k, given[k.name]) for k in knobs(cls) if k.name in given})

    @property
    def key(self) -> str:
        """Sixteen hex digits that name this experiment."""
        return digest(self.to_dict())

    def grid(self) -> Grid:
        """The levels a diffusion walks: the schedule's, at the places of the spacing.

        Raises:
            PartError: the spacing does not fit the schedule, or takes more steps.
        """
        return self.spacing.grid(self.schedule, self.steps)  # type: ignore[union-attr, arg-type]

    @property
    def title(self) -> str:
        """A short name for a person: method on data."""
        return f"{type(self.method).title()} on {type(self.data).title()}"


def default_part(kind: str, data: Source, method: Method) -> Any:
    """The part of a kind that fits this data and method when a person did not choose one."""
    if kind == "space":
        return next(cls() for cls in choices("space").values() if data.modality in cls.modalities)  # type: ignore[attr-defined]
    if kind == "sampler":
        return make("sampler", samplers_for(method)[0])
    return make(kind, {"schedule": "karras", "spacing": "even_time", "guidance": "none"}[kind])


def samplers_for(method: type[Method] | Method) -> list[str]:
    """Names of the samplers that fit a method, the usual one first; of a method with its knobs, those that fit these knobs."""
    if isinstance(method, Method):
        return [name for name in samplers_for(type(method)) if not method.fits(name)]
    if method.samplers:
        return list(method.samplers)
    fit = [name for name, cls in choices("sampler").items() if cls.family == method.family]  # type: ignore[attr-defined]
    return sorted(fit, key=lambda name: name != "heun")


def refuse_misfits(e: Experiment) -> None:
    """Raise `PartError` for parts that cannot work together; the message names the parts that could."""
    assert e.space is not None
    assert e.sampler is not None
    assert e.guidance is not None
    if e.data.modality not in e.space.modalities:
        fit = [n for n, c in choices("space").items() if e.data.modality in c.modalities]  # type: ignore[attr-defined]
        raise PartError(f"space {e.space.name!r} cannot hold {e.data.modality} ({e.data.name}); choose {' or '.join(fit)}")
    fit = samplers_for(e.method)
    if e.sampler.family != e.method.family:
        given = f"sampler {e.sampler.name!r} walks a {e.sampler.family}, but {e.method.name!r} is a {e.method.family}"
        raise PartError(f"{given}; choose {' or '.join(fit)}")
    if e.sampler.name not in fit:
        if e.sampler.name in samplers_for(type(e.method)):
            raise PartError(e.method.fits(e.sampler.name))
        raise PartError(f"sampler {e.sampler.name!r} cannot walk {e.method.name!r}; choose {' or '.join(fit)}")
    if e.sampler.needs == "law" and not (getattr(e.method, "knows_law", False) and e.guidance.name == "none"):
        fit = [n for n, c in choices("method").items() if getattr(c, "knows_law", False)]
        given = (
            f"sampler {e.sampler.name!r} needs the whole law; {e.method.name!r} with guidance {e.guidance.name!r} has it not"
        )
        raise PartError(f"{given}: choose method {' or '.join(fit)} with guidance 'none', or another sampler")
    if e.method.family == "transport" and e.start == "forward":
        raise PartError("a transport has no noising process to start from; choose start 'sobol' or 'iid'")
    if e.method.family == "transport" and e.guidance.name != "none":
        raise PartError(
            f"guidance {e.guidance.name!r} needs a diffusion; {e.method.name!r} is a transport: choose guidance 'none'"
        )


@dataclass(frozen=True)
class Run:
    """What came of an experiment, as plain arrays and JSON.

    Attributes:
        arrays: "u" (T,), "x" (T, n, d), "plane" (T, n, 2), "curve.*" (T,), "target" (m, 2), and where they exist "labels", "target_labels",
            "forward.*", "return.*", "density", "extent", "arrows.*", "objects.*", "samples", "loss" (k, 2).
        info: device, seconds, calls, quality, versions: everything JSON.
        model: what was learned.
    """

    experiment: Experiment
    arrays: Mapping[str, np.ndarray]
    info: Mapping[str, Any]
    model: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def trajectory(self) -> Trajectory:
        """The generated cloud, noise to data, in the coordinates of the space."""
        return self._trajectory("", "x")

    def _trajectory(self, prefix: str, name: str) -> Trajectory:
        a = self.arrays
        curves = {k.split("curve.")[1]: v for k, v in a.items() if k.startswith(f"{prefix}curve.")}
        labels = a.get(f"{prefix}labels")
        return Trajectory(a[f"{prefix}u"], a[f"{prefix}{name}"], labels, curves, int(self.info.get("calls", 0)))

    def picture(self, which: str = "") -> Trajectory:
        """The trajectory as it is drawn: two coordinates, every frame scaled to unit total variance of signal plus noise.

        `which`: "" for the generated cloud, "forward." for the noised data, "return." for the same particles on their way back.
        """
        return self._trajectory(which, "plane").drawn()
