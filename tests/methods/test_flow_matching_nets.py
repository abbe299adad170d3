"""Flow matching trained: exact velocities as oracles, alpha-deblending, noise, classes, conditions, the way back."""

import numpy as np
import pytest

from rkdiff.core.parts import PartError, make
from rkdiff.core.parts import knobs as all_knobs
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch
from rkdiff.methods import Problem
from rkdiff.methods._pairs import Pairs, coupled
from rkdiff.methods._velocity import Training
from rkdiff.methods._velocity_training import flowed, train_velocity
from rkdiff.methods.exact import Atoms
from rkdiff.methods.flow_matching import FlowMatching, deblend
from rkdiff.metrics.straightness import StraightClock, flow_straightness
from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.flows import matching_slope
from rkdiff.samplers.transport_euler import TransportEuler
from rkdiff.samplers.transport_heun import TransportHeun

QUICK = {"steps": 150, "batch": 64, "width": 16, "layers": 2, "fourier": 0, "rate": 0.01, "pairs": 200}
POINTS = np.array([[1.5, 0.0], [-1.0, 1.0], [-0.5, -1.5], [0.5, 1.5]])


def problem(x, labels=None):
    return Problem(x, np.ones(x.shape[1]), labels)


def fitted(x, labels=None, seed=0, **knobs):
    return outcome(FlowMatching(**{**QUICK, **knobs}).fit(problem(x, labels), Rng(seed)))


def two_groups(n=200):
    g, labels = np.random.default_rng(0), np.arange(n) % 2
    return 0.2 * g.standard_normal((n, 2)) + np.where(labels[:, None] == 0, -2.0, 2.0), labels


def test_between_gaussians_the_net_finds_the_closed_form_velocity():
    a = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]]))
    b = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2]]))
    how = Training(steps=300, batch=256, width=32, layers=2, rate=0.01, fourier=0)
    model, g, missed, whole = (
        outcome(train_velocity(coupled(a.sample, b.sample), how, rng=Rng(0))),
        np.random.default_rng(1),
        0,
        0,
    )
    for t in np.linspace(0.05, 0.95, 7):
        cov = (1 - t) ** 2 * a.cov + t**2 * b.cov
        x = t * b.mean + g.standard_normal((500, 2)) @ np.linalg.cholesky(cov).T
        off = (x - t * b.mean) @ matching_slope(a, b, None, t).T
        missed += ((to_numpy(model.velocity(to_torch(x), t)) - b.mean - off) ** 2).sum()
        whole += (off**2).sum()
    assert missed / whole < 0.01  # measured: .003 after 400 steps; the line alone, which knows no correlation, leaves .1


def test_towards_a_few_points_the_net_finds_the_softmax_velocity():
    model, exact = fitted(POINTS, steps=600, batch=256, width=48, fourier=16), StraightClock(Atoms(POINTS))
    g, missed, whole = np.random.default_rng(1), 0.0, 0.0
    for t in np.linspace(0.05, 0.85, 7):
        x = to_torch((1 - t) * g.standard_normal((400, 2)) + t * POINTS[g.integers(4, size=400)])
        right = exact.drift(x, t)
        missed += float((model.velocity(x, t) - right).square().sum())
        whole += float(right.square().sum())
    assert missed / whole < 0.06
    ends = flowed(model, g.standard_normal((300, 2)), 40, heun=True)
    near = np.linalg.norm(ends[:, None] - POINTS, axis=2)
    assert np.median(near.min(axis=1)) < 0.15
    assert np.bincount(near.argmin(axis=1), minlength=4).min() > 300 / 4 / 2


def test_alpha_deblending_is_the_class_walked_by_euler():
    model, z = fitted(POINTS, steps=20), np.random.default_rng(0).standard_normal((50, 2))
    walked = TransportEuler().run(model, z, FlowMatching().grid(13), Rng(0))
    assert (to_numpy(deblend(model, to_torch(z), 13)) == walked.end).all()


@pytest.mark.parametrize(
    "knobs", [{}, {"interpolant": "trigonometric", "coupling": "ot"}, {"interpolant": "encoding_decoding"}]
)
def test_the_way_back_leads_to_the_source_and_forth_again(knobs):
    x, _ = two_groups(60)
    model, grid = fitted(x, **knobs), FlowMatching().grid(80)
    back = FlowMatching().backward(model, problem(x), x, grid, Rng(0))
    assert back.shape == (81, 60, 2)
    assert (back[-1] == x).all()
    assert np.abs(back[0].mean(axis=0)).max() < 0.8
    there = TransportHeun().run(model, back[0], grid, Rng(0))
    assert np.sqrt(((there.end - x) ** 2).mean()) < 0.05


def test_noise_changes_the_way_and_not_the_end():
    x, _ = two_groups()
    z = np.random.default_rng(1).standard_normal((2000, 2))
    ends = {}
    for noise in (0.0, 2.0):
        model = fitted(x, interpolant="brownian", sigma=1.0, noise=noise, steps=400, width=32)
        ends[noise] = TransportEuler().run(model, z, FlowMatching().grid(60), Rng(2)).end
        assert ends[noise].mean(axis=0) == pytest.approx(x.mean(axis=0), abs=0.3)
        assert ends[noise].std(axis=0) == pytest.approx(x.std(axis=0), rel=0.1)
    assert np.corrcoef(ends[0.0].sum(1), ends[2.0].sum(1))[0, 1] < 0.9


def test_a_class_that_is_asked_for_is_the_one_that_comes():
    x, labels = two_groups()
    model = fitted(x, labels, class_share=0.6, steps=300)
    z, asked = np.random.default_rng(1).standard_normal((400, 2)), np.arange(400) % 2
    t = TransportEuler().run(model, z, FlowMatching().grid(30), Rng(0), labels=asked)
    assert ((t.end.sum(axis=1) > 0) == (asked == 1)).mean() > 0.97
    free = TransportEuler().run(model, z, FlowMatching().grid(30), Rng(0)).end.sum(axis=1) > 0
    assert 0.35 < free.mean() < 0.65
    assert fitted(x, labels, class_share=0.0, steps=5).classes == 0


def test_points_of_a_named_class_keep_the_whole_source():
    x, labels = two_groups()
    draw, g, seen = (
        FlowMatching(coupling="ot", class_share=0.5).drawn(problem(x, labels)),
        np.random.default_rng(0),
        [[], [], []],
    )
    for _ in range(60):
        pairs = draw(128, g)
        for c in (-1, 0, 1):
            seen[c].append(pairs.x0[pairs.label == c])
        if (pairs.label != -1).any():
            assert ((pairs.x1.sum(axis=1) > 0) == (pairs.label == 1)).all()
    for c in (0, 1):  # matched across classes, the source of each would be half a normal law, of mean +-.56 in each coordinate
        assert np.abs(np.concatenate(seen[c]).mean(axis=0)).max() < 0.1


def test_what_a_pair_is_told_conditions_its_end():
    rho, spread = 0.8, 0.5

    def draw(n, g):
        x1 = g.standard_normal((n, 2)) @ np.linalg.cholesky(np.array([[1, rho], [rho, 1]])).T
        x0 = np.stack([x1[:, 0], spread * g.standard_normal(n)], axis=1)  # the missing second coordinate is noise
        return Pairs(x0, x1, given=x1[:, :1])

    model = outcome(train_velocity(draw, Training(steps=500, batch=128, width=32, layers=2, rate=0.01, fourier=0), rng=Rng(0)))
    start = draw(3000, np.random.default_rng(1))
    end = flowed(model, start.x0, 30, told=start.given, heun=True)
    assert np.abs(end[:, 0] - start.x0[:, 0]).max() < 0.1
    slope = (end[:, 1] * start.x0[:, 0]).mean() / (start.x0[:, 0] ** 2).mean()
    assert slope == pytest.approx(rho, abs=0.05)
    assert (end[:, 1] - slope * start.x0[:, 0]).std() == pytest.approx(np.sqrt(1 - rho**2), rel=0.08)
    with pytest.raises(ValueError, match="conditioned on 1 numbers"):
        flowed(model, start.x0, 2)


def test_the_same_seed_learns_the_same_bytes_and_the_data_is_not_kept():
    x, labels = two_groups()
    first, again, other = (fitted(x, labels, seed=s, coupling="sinkhorn", steps=20).state() for s in (3, 3, 4))
    assert all((first[k] == again[k]).all() for k in first)
    assert (first["theta"] != other["theta"]).any()
    assert all(200 not in v.shape for v in first.values())


@pytest.mark.parametrize("coupling", ["independent", "ot", "sinkhorn", "immiscible"])
def test_points_that_coincide_are_reached(coupling):
    model = fitted(np.full((60, 2), 1.5), np.zeros(60, dtype=np.int64), coupling=coupling, steps=30)
    end = flowed(model, np.random.default_rng(0).standard_normal((40, 2)), 40)
    assert np.abs(end - 1.5).max() < 0.3


def test_progress_counts_every_round_and_carries_looks():
    events = list(FlowMatching(**{**QUICK, "steps": 20, "reflow": 2}).fit(problem(POINTS), Rng(0)))
    assert [e.done for e in events] == [10, 20, 30, 40, 50, 60]
    assert {e.total for e in events} == {60}
    assert all(np.isfinite(e.values["loss"]) for e in events)
    assert sum(e.snapshot is not None for e in events) >= 3


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"noise": 1.0}, "noise 1 .* interpolant is 'linear'; choose .*'brownian', or noise 0"),
        ({"noise": 1.0, "interpolant": "trigonometric"}, "interpolant is 'trigonometric'"),
        (
            {"noise": 0.5, "interpolant": "brownian", "reflow": 1},
            "noise 0.5 .* reflow is 1, whose paths have none; choose reflow 0, or noise 0",
        ),
    ],
)
def test_noise_that_would_have_no_effect_is_refused_in_one_line(knobs, said):
    with pytest.raises(PartError, match=said) as refused:
        next(FlowMatching(**{**QUICK, **knobs}).fit(problem(POINTS), Rng(0)))
    assert "\n" not in str(refused.value)


def test_forms_show_noise_only_where_it_has_an_effect():
    by_name = {k.name: k for k in all_knobs(FlowMatching)}
    for values in ({"interpolant": "linear", "reflow": 0}, {"interpolant": "brownian", "reflow": 2}):
        assert not by_name["noise"].matters(values)
    assert by_name["noise"].matters({"interpolant": "brownian", "reflow": 0})
    assert by_name["noise"].default == 0


def test_larger_matched_groups_learn_straighter_flows():
    """Minibatch couplings come closer to the optimal one as the group grows; a group of 1 is the independent coupling."""
    data = make("data", "eight_gaussians", n=400).make(Rng(0)).train
    z, bends = np.random.default_rng(5).standard_normal((400, 2)), []
    for group in (1, 8, 64):
        model = fitted(data, coupling="ot", group=group, steps=200, batch=64, width=24, class_share=0.0)
        bends.append(flow_straightness(model, z, device="cpu").share)
    assert bends[2] < 0.7 * bends[1] < 0.7 * bends[0]


def test_what_cannot_be_learned_is_refused_with_the_reason():
    with pytest.raises(PartError, match="give at least one point"):
        fitted(np.zeros((0, 2)))
    with pytest.raises(PartError, match="choose one of 'independent'"):
        make("method", "flow_matching", coupling="exact")
    with pytest.raises(PartError, match="its own velocity"):
        FlowMatching().backward(Atoms(POINTS), problem(POINTS), POINTS, FlowMatching().grid(2), Rng(0))
