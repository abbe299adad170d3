"""The learned sliced flow against closed forms of the flow it learns."""

import numpy as np
import pytest
from scipy.stats import expon, norm

from rkdiff.core.model import ANY
from rkdiff.core.parts import PartError, make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.experiment import Experiment, samplers_for
from rkdiff.methods import Problem
from rkdiff.methods._flow_map import LearnedFlow
from rkdiff.methods._flow_map_training import train
from rkdiff.methods._particle_systems import Pool
from rkdiff.methods.learned_sliced_flow import LearnedSlicedFlow
from rkdiff.samplers import start

SMALL = {"systems": 4, "particles": 256, "iterations": 400, "width": 48, "batch": 256}
TAUS = (1.1, 3.6, 20.0)


def method(**knobs):
    return LearnedSlicedFlow(**SMALL | knobs)


def learned(y, labels=None, seed=0, device="cpu", **knobs):
    return outcome(method(**knobs).fit(Problem(y, np.ones(y.shape[1]), labels, device=device), Rng(seed)))


def relative(x, true):
    """Root mean square error over the deviation of the truth."""
    return np.sqrt(((x - true) ** 2).mean() / true.var(axis=0).mean())


def unseen(n, d):
    return np.random.default_rng(99).standard_normal((n, d))


def exponential(x, tau):
    """Where the flow from a normal to the exponential law stands: displacement interpolation along the monotone map."""
    u = -np.expm1(-tau)
    return (1 - u) * x + u * expon.ppf(norm.cdf(x))


@pytest.fixture(scope="module")
def round_gaussian():
    z = start("sobol", 1024, 2, Rng(5))
    z = (z - z.mean(0)) / z.std(0)
    return learned(np.array([1.0, -0.5]) + 0.5 * z)


@pytest.fixture(scope="module")
def on_the_line():
    return learned(expon.ppf((np.arange(800) + 0.5) / 800)[:, None])


def test_a_round_gaussian_is_reached_by_translation_and_scaling(round_gaussian):
    x = unseen(2000, 2)
    for tau, most in zip(TAUS, (0.03, 0.06, 0.08), strict=True):
        left = np.exp(-tau)
        true = (1 - left) * np.array([1.0, -0.5]) + (0.5 + left * 0.5) * x
        assert relative(round_gaussian.sample(x, tau), true) < most


def test_on_the_line_the_map_is_the_monotone_one(on_the_line):
    x = np.clip(unseen(2000, 1), -2.5, 2.5)
    for tau in TAUS:
        assert relative(on_the_line.sample(x, tau), exponential(x, tau)) < 0.06
        assert relative(on_the_line.sample(x, tau, 4), exponential(x, tau)) < 0.06


def test_taught_by_the_exact_map_the_network_alone_is_off_by_little():
    m = method(iterations=500)
    times = m.grid(m.snapshots).t
    x = unseen(6000, 1)
    path = np.stack([exponential(x, t) for t in times], axis=1).astype(np.float32)
    y = expon.ppf((np.arange(800) + 0.5) / 800)[:, None]
    model = m._untrained(Problem(y, np.ones(1)), 1.0, Rng(0))
    outcome(train(model, Pool(times, path, None, np.full(len(x), ANY)), m.iterations, m.batch, m.rate, Rng(0)))
    new = np.clip(np.random.default_rng(1).standard_normal((2000, 1)), -2.5, 2.5)
    for tau in TAUS:
        assert relative(model.sample(new, tau), exponential(new, tau)) < 0.03


def test_no_time_passes_and_nothing_moves(round_gaussian):
    x = to_torch(unseen(50, 2))
    for tau in (0.0, 1.3, 20.0):
        assert torch.equal(round_gaussian.move(x, tau, tau), x)
    assert (round_gaussian.sample(unseen(50, 2), 0.0) == unseen(50, 2)).all()


def test_two_jumps_agree_with_one_as_well_as_either_fits(on_the_line):
    x = np.clip(unseen(2000, 1), -2.5, 2.5)
    one = on_the_line.sample(x, 20.0)
    with torch.no_grad():
        two = to_numpy(on_the_line.move(on_the_line.move(to_torch(x), 0.0, 2.0), 2.0, 20.0))
    assert relative(two, one) < 3 * relative(one, exponential(x, 20.0))


def test_the_drift_is_the_limit_of_short_jumps_and_the_flows_own(on_the_line):
    x = to_torch(np.linspace(-2, 2, 200)[:, None])
    with torch.no_grad():
        v = to_numpy(on_the_line.drift(x, 0.0))
        jump = (to_numpy(on_the_line.move(x, 0.0, 1e-4)) - to_numpy(x)) / 1e-4
    np.testing.assert_allclose(v, jump, atol=1e-2)
    assert relative(v, expon.ppf(norm.cdf(to_numpy(x))) - to_numpy(x)) < 0.15


@pytest.mark.parametrize("entropy", [0.05, 0.3])
def test_with_entropy_the_particles_spread_as_the_closed_recursion_says(entropy):
    z = start("sobol", 1024, 2, Rng(5))
    y = 0.7 * (z - z.mean(0)) / z.std(0)
    model = learned(y, entropy=entropy)
    grid = method(entropy=entropy).grid(40)
    end = make("sampler", "exponential_euler").run(model, start("sobol", 2048, 2, Rng(1)), grid, Rng(2)).end
    s = 1.0
    for step in np.diff(grid.t):
        left = np.exp(-step)
        s = np.sqrt((left * s + (1 - left) * 0.7) ** 2 + entropy * 0.49 * (1 - left**2))
    assert np.sqrt(end.var(axis=0).mean()) == pytest.approx(s, rel=0.04)


def test_entropy_has_no_map_and_says_so_before_anything_is_trained():
    m = method(entropy=0.2)
    data = make("data", "two_moons", n=60)
    with pytest.raises(PartError, match=r"'flow_map'.*'learned_sliced_flow'.*'exponential_euler', or entropy 0"):
        Experiment(data, m, sampler=make("sampler", "flow_map"))
    assert Experiment(data, m).sampler.name == "exponential_euler"
    assert Experiment(data, method()).sampler.name == "flow_map"
    assert samplers_for(m) == ["exponential_euler"]
    model = learned(data.make(Rng(0)).train, entropy=0.2, iterations=1)
    for ask in (lambda: model.move(to_torch(unseen(3, 2)), 0.0, 1.0), lambda: model.sample(unseen(3, 2), 1.0)):
        with pytest.raises(PartError, match=r"entropy 0\.2"):
            ask()


def test_nothing_as_long_as_the_data_or_a_system_is_kept():
    y = unseen(311, 3)
    model = learned(y, particles=352, iterations=1, systems=3)
    for name, array in model.state().items():
        assert not array.shape or array.shape[0] not in (311, 352, 3 * 352), name
    assert model.bytes == sum(v.nbytes for v in model.state().values())


def test_the_state_is_the_whole_model():
    y = unseen(80, 2)
    labels = (y[:, 0] > 0).astype(np.int64)
    for knobs in ({}, {"classes": True}, {"entropy": 0.1}):
        model = learned(y, labels, iterations=3, **knobs)
        again = LearnedFlow.from_state(model.state())
        x = to_torch(unseen(20, 2))
        label = torch.ones(20, dtype=torch.int64) if knobs.get("classes") else None
        with torch.no_grad():
            assert torch.equal(model.drift(x, 2.0, label=label), again.drift(x, 2.0, label=label))
        assert again.noise(1.0, 2.0) == model.noise(1.0, 2.0)
        assert (model.noise(1.0, 2.0) > 0) == ("entropy" in knobs)
    with pytest.raises(ValueError, match="no state of a learned flow: it has no 'widths'"):
        LearnedFlow.from_state({"theta": np.zeros(3)})


def test_a_shifted_target_shifts_every_particle_by_its_share():
    y, c, x = 0.5 * unseen(200, 2) ** 2, np.array([0.5, -0.25]), unseen(300, 2)
    here, there = (learned(v, iterations=30, particles=128, systems=2) for v in (y, y + c))
    for tau in TAUS:
        np.testing.assert_allclose(there.sample(x, tau), here.sample(x, tau) - np.expm1(-tau) * c, atol=2e-3)


def test_each_class_flows_to_its_own_points_and_none_to_all():
    y = np.concatenate([0.2 * unseen(150, 2) + [2.0, 0.0], 0.2 * unseen(50, 2) - [2.0, 0.0]])
    labels = np.repeat([0, 1], [150, 50])
    model = learned(y, labels, classes=True)
    z = start("sobol", 1024, 2, Rng(3))
    for label, mean in ((0, 2.0), (1, -2.0)):
        assert model.sample(z, 20.0, 4, np.full(1024, label))[:, 0].mean() == pytest.approx(mean, abs=0.15)
    free = model.sample(z, 20.0, 4)
    assert (free[:, 0] > 0).mean() == pytest.approx(0.75, abs=0.05)
    with pytest.raises(ValueError, match="this flow knows 2 classes"):
        model.sample(z, 20.0, 1, np.full(1024, 2))


def test_many_systems_are_right_on_unseen_starts_where_one_is_not():
    """The same number of particles each and the same training: what differs is how many systems taught it."""
    y = make("data", "eight_gaussians", n=1000).make(Rng(0)).train
    y = (y - y.mean(0)) / y.std()
    errors = {}
    for r in (1, 8):
        knobs = {"systems": r, "particles": 256}
        model, m = learned(y, **knobs), method(**knobs)
        systems = m.recorded(Problem(y, np.ones(2)))
        fresh = systems.path(start("sobol", 1024, 2, Rng(77)), Rng(78))
        rows = (12, 24, 36, 48)
        ends = [model.sample(fresh[0].astype(float), systems.times[k]) for k in rows]
        errors[r] = np.sqrt(np.mean([((e - fresh[k]) ** 2).sum(1).mean() for e, k in zip(ends, rows, strict=True)]))
    assert errors[8] < 0.9 * errors[1]


@pytest.mark.parametrize("y", [np.ones((1, 2)), np.ones((40, 3)), np.zeros((5, 1)), unseen(40, 7)])
def test_one_point_coincident_points_and_few_points_are_learned_too(y):
    model = learned(y, particles=64, systems=2, iterations=20)
    end = model.sample(unseen(100, y.shape[1]), 20.0, 3)
    assert np.isfinite(end).all()
    assert np.abs(end.mean(axis=0) - y.mean(axis=0)).max() < 0.5


def test_one_class_alone_is_a_class():
    model = learned(unseen(40, 2), np.zeros(40, dtype=np.int64), classes=True, particles=64, systems=2, iterations=20)
    assert model.classes == 1
    assert np.isfinite(model.sample(unseen(10, 2), 5.0, 1, np.zeros(10, dtype=np.int64))).all()


def test_what_cannot_be_learned_is_refused_in_one_line():
    for y in (np.zeros((0, 2)), np.array([[np.nan, 0.0]])):
        with pytest.raises(PartError, match="give at least one point with finite coordinates"):
            learned(y)
    with pytest.raises(PartError, match="classes is True and this data has no labels"):
        learned(unseen(10, 2), classes=True)
    model = learned(unseen(10, 2), iterations=1, particles=32, systems=1)
    x = to_torch(unseen(3, 2))
    for before, after in ((2.0, 1.0), (0.0, 21.0), (-0.1, 1.0)):
        with pytest.raises(ValueError, match="0 <= before <= after <= 20"):
            model.move(x, before, after)
    with pytest.raises(ValueError, match="at least one call"):
        model.sample(unseen(3, 2), 1.0, 0)
    with pytest.raises(ValueError, match="train with knob 'classes' on"):
        model.move(x, 0.0, 1.0, torch.zeros(3, dtype=torch.int64))


def test_the_same_seed_is_the_same_bytes():
    y = unseen(60, 2)
    one, two, other = (learned(y, seed=s, iterations=5, particles=64, systems=2).state() for s in (3, 3, 4))
    assert all((one[k] == two[k]).all() for k in one)
    assert (one["theta"] != other["theta"]).any()


def test_large_systems_keep_a_part_of_their_particles(monkeypatch):
    from rkdiff.methods import _particle_systems

    m = method(systems=2, particles=256, snapshots=8)
    systems = m.recorded(Problem(unseen(50, 2), np.ones(2)))
    whole = outcome(systems.record(Problem(unseen(50, 2), np.ones(2)), Rng(0)))
    monkeypatch.setattr(_particle_systems, "ROOM", whole.bytes // 4)
    part = outcome(systems.record(Problem(unseen(50, 2), np.ones(2)), Rng(0)))
    assert len(whole.x) == 512
    assert len(part.x) == 128
    every = {row.tobytes() for row in whole.x}
    assert all(row.tobytes() in every for row in part.x)
