"""Jumps of a flow map: the end in as many calls as are allowed, and looks on the way.

A flow map G(x, s, t) goes from any time to any later one in one call (`rkdiff.core.model.FlowMap`). The calls stand at equal shares of the
clock log(1 + t), on which a flow that relaxes is resolved evenly: from t = 0 anchors t_k = (1 + t_end)^{k / calls} - 1, each a jump from
the one before. A frame between two anchors is a look, one further jump from the anchor before it, which nothing later depends on: the end
is the same for any number of frames, and `calls` evaluations are all it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.model import FlowMap
from rkdiff.core.parts import PartError, knob
from rkdiff.core.tensors import torch
from rkdiff.samplers import Sampler, Walk

#: A frame this close to an anchor, as a share of the whole time, stands at it.
NEAR = 1e-9


@dataclass(frozen=True)
class FlowMapJumps(Sampler):
    """Long jumps of a learned map: a few calls reach the end, however many frames are drawn."""

    name: ClassVar[str] = "flow_map"
    label: ClassVar[str] = "Jumps of a flow map"
    family: ClassVar[str] = "transport"
    order: ClassVar[int] = 0

    calls: int = knob(4, 1, 48, help="how many calls of the map reach the end; one is the fastest")

    def step(self, walk: Walk, i: int, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        if not isinstance(walk.model, FlowMap):
            raise PartError(
                f"sampler {self.name!r} needs a model that jumps, and this one ({type(walk.model).__name__}) knows a velocity "
                "alone; choose 'transport_euler' or the sampler that its method names first"
            )
        begin, end, now = (float(walk.grid.t[k]) for k in (0, -1, i + 1))
        anchors = np.expm1(np.linspace(np.log1p(begin), np.log1p(end), self.calls + 1))
        anchors[[0, -1]] = begin, end
        k, at = walk.memory.setdefault("anchor", (0, x))
        while k < self.calls and anchors[k + 1] <= now + NEAR * (end - begin):
            at = walk.model.move(at, float(anchors[k]), float(anchors[k + 1]), walk.label)
            k, walk.calls = k + 1, walk.calls + 1
        walk.memory["anchor"] = k, at
        if now - float(anchors[k]) <= NEAR * (end - begin):
            return at
        return walk.model.move(at, float(anchors[k]), now, walk.label)
