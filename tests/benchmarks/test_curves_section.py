"""The section on curves: its bars are computed from its own rows, and its lines are what they say."""

import numpy as np
import pytest

from benchmarks import _curves_bars as bars
from benchmarks import _structured_curves as section
from benchmarks.table import Row
from rkdiff.core.rng import Rng
from rkdiff.data.sines import Sines
from rkdiff.data.tecator import Tecator

GRID_LINE = {f"TV {g}": 1.0 for g in bars.GRIDS} | {"SW2 apart": 0.01}
PINNED = {"z mean": 1.0, "z covariance": 1.0, "largest z mean": 2.5, "largest z covariance": 3.0}
GOOD = {
    **{(d, m): GRID_LINE for d in ("sines", "quadratics") for m in bars.JUDGED},
    ("sines", "convolutions, white"): {"TV 256": 8.0} | {f"SW2 {g}": 2.5 for g in bars.GRIDS},
    ("tecator", "kernel, components"): {"SW2": 1.0},
    ("gaussian_process", "pinned, exact"): PINNED,
    ("gaussian_process", "pinned, replacement"): {"z mean": 14.0, "z covariance": 5.0},
}


def made(changed=None):
    figures = GOOD | {key: GOOD[key] | mine for key, mine in (changed or {}).items()}
    return [
        Row(d, m, seed, k, v + 0.001 * seed, None, 2.0)
        for (d, m), f in figures.items()
        for k, v in f.items()
        for seed in range(3)
        if v is not None
    ]


def failed(rows):
    return [what for what, _, _, met in section.verdicts(rows) if not met]


def test_rows_within_all_bars_meet_all_of_them():
    assert failed(made()) == []
    assert len(list(section.verdicts(made()))) == 24 + 4 + 2 + 6


@pytest.mark.parametrize(
    ("line", "metric", "value", "what"),
    [
        (("sines", "network, cosines"), "TV 256", 1.2, "sines, network, cosines: TV at 256"),
        (("quadratics", "kernel, cosines"), "TV 32", 0.8, "quadratics, kernel, cosines: TV at 32"),
        (("quadratics", "kernel, components"), "SW2 apart", 0.06, "quadratics, kernel, components: SW2 apart"),
        (("sines", "convolutions, white"), "TV 256", 1.0, "sines, white noise on a grid fails: TV at 256"),
        (("sines", "convolutions, white"), "SW2 64", 1.0, "sines, white noise on a grid fails: SW2 / floor at 64"),
        (("tecator", "kernel, components"), "SW2", 1.2, "tecator, kernel: SW2 / floor"),
        (("gaussian_process", "pinned, exact"), "z mean", 1.7, "pinned process: error of the mean in standard errors"),
        (
            ("gaussian_process", "pinned, exact"),
            "largest z covariance",
            4.5,
            "pinned process: its largest along the curve (covariance)",
        ),
        (("gaussian_process", "pinned, replacement"), "z mean", 1.0, "pinned process, replacement is seen to miss (mean)"),
    ],
)
def test_one_bad_figure_or_none_at_all_fails_its_own_bar_alone(line, metric, value, what):
    assert failed(made({line: {metric: value}})) == [what]
    rows = made({line: {metric: None}})
    missing = [what, "tecator, kernel: CPU seconds"] if line[0] == "tecator" else [what]
    assert failed(rows) == missing
    assert [v for w, v, _, _ in section.verdicts(rows) if w == what] == ["not measured"]


def test_rows_of_other_kinds_have_no_verdict_and_a_set_that_was_left_out_is_not_met():
    assert list(section.verdicts([Row("communities", "kernel, components", 0, "SW2", 0.1)])) == []
    without = failed([r for r in made() if r.dataset != "tecator"])
    assert without == ["tecator, kernel: SW2 / floor", "tecator, kernel: CPU seconds"]


def test_misses_are_standard_normal_for_true_draws_and_see_a_shift_and_a_spread_of_a_tenth():
    g = np.random.default_rng(0)
    root = np.tril(g.standard_normal((5, 5)))
    mean, cov = g.standard_normal(5), root @ root.T
    of = lambda x: section.misses(x, mean, cov)
    draws = [g.multivariate_normal(mean, cov, 2000) for _ in range(60)]
    for name in ("mean", "covariance"):
        assert np.sqrt(np.mean([of(x)[f"z {name}"] ** 2 for x in draws])) == pytest.approx(1.0, abs=0.15)
        assert max(of(x)[f"largest z {name}"] for x in draws[:5]) < 4
    assert of(draws[0] + 0.1 * np.sqrt(np.diag(cov)))["z mean"] > 3
    assert of(mean + 1.1 * (draws[0] - mean))["z covariance"] > 3


def test_judged_curves_start_at_independent_draws_and_slow_lines_are_measured_on_the_first_seeds_only():
    p = section._prepared(Sines(n=20), section.Exact(), section.COMPONENTS, 0, "cpu", 8)
    assert p.experiment.start == "iid"
    even = section._prepared(Sines(n=20), section.Exact(), section.COMPONENTS, 0, "cpu", 8, start="sobol")
    assert even.experiment.start == "sobol"
    slow = {"convolutions, white", "convolutions, trace class", "operator, trace class"}
    assert slow < set(section._lines(Sines(n=20), section.SLOW_SEEDS - 1, "cpu"))
    assert not slow & set(section._lines(Sines(n=20), section.SLOW_SEEDS, "cpu"))


def test_copies_are_training_curves_and_the_gaussian_has_their_mean_and_covariance():
    source = Sines(n=300)
    train = source.make(Rng(0).child("data")).train
    copies = section._control(source, 0, section._copies)
    assert {g: c.shape for g, c in copies.items()} == {g: (256, g) for g in bars.GRIDS}
    far = np.abs(copies[64][:, None] - train[None]).max(2).min(1)
    assert far.max() < 0.1
    some = np.arange(60.0).reshape(30, 2)
    anew = section._drawn_anew(some, 500, np.random.default_rng(0))
    assert {tuple(r) for r in anew} == {tuple(r) for r in some}
    x = np.random.default_rng(0).standard_normal((4000, 3)) @ np.diag([1.0, 2.0, 3.0]) + 5
    drawn = section._gaussian(x, 20_000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.mean(0), x.mean(0), atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(x.T), atol=0.25)


def test_averages_over_cells_and_variation_do_not_depend_on_the_grid():
    line = lambda n: np.linspace(0, 1, n)[None]
    for n in (17, 64, 200):
        np.testing.assert_allclose(section.cells(line(n))[0], (np.arange(16) + 0.5) / 16, atol=1e-12)
        assert section.variation(3 * line(n)) == pytest.approx(3.0)
    assert section.cells(Tecator().make(Rng(0)).train).shape[1] == section.CELLS
