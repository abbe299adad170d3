"""Figures of the Transport page: what stands in the arrays stands in the traces."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rkdiff.lab.transport.maps import maps
from rkdiff.lab.transport.short_bridge import exact_paths, short_bridge
from rkdiff.plots.transport_bridges import LEAST, distance_figure, ends_figure, laws_figure, paths_figure, shades, steps_figure
from rkdiff.plots.transport_learned import error_figure, ratio_figure
from rkdiff.plots.transport_maps import maps_figure, monotone_figure, quantiles_figure, segments
from rkdiff.plots.transport_plan import MOST_LINES, average_figure, plan_figure
from rkdiff.plots.transport_straightness import LEAST_SPAN, calls_figure, straight_figure
from rkdiff.processes.gaussians.transport import distance
from rkdiff.ui.transport_counter import TAU, ellipse, laws
from rkdiff.ui.transport_exact import apart, excess


def named(fig, name):
    return next(t for t in fig.data if t.name == name)


def sound(fig):
    """Every number of a figure is finite or a gap."""
    for trace in fig.data:
        for axis in (trace.x, trace.y):
            assert all(v is None or np.isfinite(v) for v in axis if not (v is not None and np.isnan(v)))
    fig.to_json()
    return fig


def test_a_bridge_has_a_curve_for_each_number_of_half_steps_and_the_chosen_length_is_marked():
    found = short_bridge(steps=(4, 10, 40), half_steps=(1, 3, 5))
    fig = sound(distance_figure(found.times, found.half_steps, found.distances, now=0.25))
    assert [t.name for t in fig.data] == ["diffusion", "bridge, 3 half-steps", "bridge, 5 half-steps"]
    np.testing.assert_allclose(fig.data[0].y, found.distances[:, 0])
    assert fig.layout.shapes[0].x0 == 0.25
    assert 10 ** fig.layout.yaxis.range[0] <= LEAST
    assert len(set(shades(6))) == 6


def test_each_half_step_is_drawn_at_the_end_that_it_disturbs():
    found = short_bridge(steps=(10,), half_steps=(1, 3, 5))
    fig = sound(ends_figure(found.errors[0]))
    assert list(named(fig, "at the data").x) == [1, 3, 5]
    assert list(named(fig, "at the noise").x) == [2, 4]


def test_paths_begin_at_the_prior_and_have_gaps_between_them():
    from rkdiff.core.rng import Rng

    share, x = exact_paths(Rng(0), steps=6, n=4)
    fig = sound(paths_figure(share, [("diffusion", "model", x)], 3.0, 0.5))
    line = named(fig, "diffusion")
    assert list(line.y).count(None) == 4
    np.testing.assert_allclose([line.y[0], line.y[8]], x[0, :2])


def test_densities_hold_a_mass_of_one():
    fig = sound(laws_figure([("a", "model", 0.0, 1.0, "solid")], span=(-8, 8)))
    assert np.trapezoid(fig.data[0].y, fig.data[0].x) == pytest.approx(1.0, abs=1e-6)


def test_maps_join_every_point_to_each_image():
    points = np.arange(6.0).reshape(3, 2)
    images = [("one", "exact", points + 1), ("two", "model", points - 1)]
    fig = sound(maps_figure(points, points, points, images))
    assert list(segments(points, points + 1)[0]) == [0.0, 1.0, None, 2.0, 3.0, None, 4.0, 5.0, None]
    np.testing.assert_array_equal(named(fig, "two").x, points[:, 0] - 1)
    assert fig.layout.yaxis.scaleanchor == "x"


def test_a_particle_keeps_its_rank_on_the_line():
    grid = np.linspace(-1, 1, 5)
    fig = sound(quantiles_figure(grid, grid, grid, -0.5, 0.5, 0.25))
    assert list(named(fig, "one particle").y) == [0, 0.25, 0.25, 0]


def test_marks_of_flows_on_the_line_never_hide_each_other():
    x = np.arange(9.0)
    fig = sound(monotone_figure(x, x, [("a", "model", x), ("b", "second", x), ("c", "third", x)]))
    marked = [set(t.x) for t in fig.data[1:]]
    assert set.union(*marked) == set(x)
    assert not marked[0] & marked[1]


def test_lines_of_a_plan_carry_their_mass_to_where_it_is_at_t():
    x, y = np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 2.0]])
    fig = sound(plan_figure(x, y, np.eye(2) / 2, t=0.5))
    at = named(fig, "at t = 0.50")
    assert sorted(zip(at.x, at.y, strict=True)) == [(0.0, 1.0), (0.5, 0.0)]
    lines = [t for t in fig.data if t.mode == "lines"]
    assert len(lines) == 1  # all the mass of a point goes one way: one strength
    assert list(lines[0].x).count(None) == 2


def test_of_too_many_faint_lines_some_of_every_point_are_drawn():
    n = 100
    fig = sound(plan_figure(np.stack([np.arange(n)] * 2, axis=1) * 1.0, np.ones((n, 2)), np.full((n, n), n**-2.0)))
    (lines,) = (t for t in fig.data if t.mode == "lines")
    assert list(lines.x).count(None) == MOST_LINES
    assert set(lines.x[::3]) == set(range(n))


def test_the_barycentric_map_is_drawn_from_each_point():
    x, to = np.zeros((3, 2)), np.arange(6.0).reshape(3, 2)
    fig = sound(average_figure(x, to, to))
    np.testing.assert_array_equal(named(fig, "mean of its partners").y, to[:, 1])


def test_errors_of_several_seeds_have_their_range_and_one_seed_has_none():
    tau, errors = np.array([0.5, 2.0, 20.0]), np.random.default_rng(0).uniform(0.1, 1, (3, 3, 2))
    fig = sound(error_figure(tau, (1, 4), errors, errors[:, :, 0] / 2))
    assert [t.name for t in fig.data if t.mode != "lines"] == ["floor: two particle systems", "1 call", "4 calls"]
    np.testing.assert_allclose(named(fig, "1 call").y, errors[:, :, 0].mean(axis=0))
    assert sum(t.fill == "toself" for t in fig.data) == 3
    assert not any(t.fill for t in error_figure(tau, (1, 4), errors[:1], errors[:1, :, 0]).data)


def test_memorisation_has_the_line_of_new_data():
    fig = sound(ratio_figure(np.array([1.0, 20.0]), [("a", "model", np.array([[2.0, 0.5]]))]))
    assert fig.layout.shapes[0].y0 == 1


def test_straight_and_optimal_are_two_axes():
    fig = sound(straight_figure([("a", "model", 0.1, 1.2), ("b", "exact", 0.0, 1.0)]))
    assert (fig.data[0].x[0], fig.data[0].y[0]) == (0.1, 1.2)
    assert len(fig.layout.shapes) == 2


def test_an_excess_of_nothing_is_not_magnified():
    fig = straight_figure([("a", "model", 0.1, 1.0001), ("b", "exact", 0.0, 1.0)])
    assert fig.layout.yaxis.range[1] - 1 >= LEAST_SPAN
    assert straight_figure([("a", "model", 0.1, 1.4)]).layout.yaxis.range[1] > 1.4


def test_the_floor_of_calls_is_named_in_the_legend_and_beside_no_curve():
    calls, mean = np.array([1.0, 4.0]), np.array([0.5, 0.1])
    fig = calls_figure([("a", "model", calls, mean, mean, mean)], 0.1, 0.12, "9 fresh samples")
    assert not fig.layout.annotations
    assert named(fig, "floor: 9 fresh samples").line.dash == "dash"
    assert any(shape.y0 == shape.y1 == 0.1 for shape in fig.layout.shapes)


def test_ways_of_one_length_stand_beside_each_other_and_of_several_above_their_lengths():
    value = np.array([0.3, 0.2])
    ways = [
        ("one", "model", np.array([5.0, 10.0]), value, value, value),
        ("two", "data", np.array([5.0, 10.0]), value, value, value),
    ]
    fig = steps_figure(ways, 0.05, 0.01)
    assert list(named(fig, "two").x) == [5.0, 10.0]
    assert fig.layout.xaxis.type == "log"
    alone = steps_figure([(t, h, *(c[:1] for c in columns)) for t, h, *columns in ways], 0.05, 0.01)
    assert [list(named(alone, t).x) for t in ("one", "two")] == [["one"], ["two"]]
    assert "5" in alone.layout.xaxis.title.text


def test_figures_beside_each_other_share_a_scale_and_the_hues_of_calls():
    tau, errors = np.array([0.5, 20.0]), np.full((1, 2, 3), 0.1)
    left = error_figure(tau, (1, 4, 12), errors, errors[:, :, 0], span=(0.5,))
    right = error_figure(tau, (12,), 5 * errors[:, :, :1], errors[:, :, 0], floor_of="draws", shown=(1, 4, 12), span=(0.1,))
    assert left.layout.yaxis.range == pytest.approx(right.layout.yaxis.range)
    assert named(left, "12 calls").line.color == named(right, "12 calls").line.color
    assert named(right, "floor: draws").line.dash == "dot"
    assert left.layout.yaxis.title.text.startswith("√d · sliced W2")


# -- the maps that the page shows --


@pytest.mark.parametrize("turn", [-90.0, 0.0, 90.0])
def test_with_shared_axes_all_maps_are_the_optimal_one(turn):
    found = maps(*laws(turn), tau=TAU)
    for m in found[1:]:
        np.testing.assert_allclose(m.matrix, found[0].matrix, atol=1e-7)
        assert excess(m, found[0]) == "0 %"
    assert "all maps agree" in apart(found, np.eye(2))


@pytest.mark.parametrize("turn", [-65.0, 45.0, 65.0])
def test_turned_apart_every_map_arrives_and_the_sliced_flow_ends_visibly_beside_the_optimal_one(turn):
    source, target = laws(turn)
    found = maps(source, target, tau=TAU)
    assert all(m.error < 1e-7 for m in found)
    best, matched, again, sliced = found
    assert 1.02 * best.cost < sliced.cost < matched.cost
    np.testing.assert_allclose(again.matrix, matched.matrix, atol=1e-6)  # rectifying leaves a linear map as it is
    points = ellipse(source, 12)
    reach = np.linalg.norm(points @ best.matrix.T, axis=1).max()
    gap = np.linalg.norm(points @ (sliced.matrix - best.matrix).T, axis=1).max()
    assert gap > 0.1 * reach
    assert f"{gap:.2g}" in apart(found, points)


def test_the_cost_of_the_best_map_is_that_of_gelbrich():
    source, target = laws(65.0)
    assert math.sqrt(maps(source, target, tau=TAU)[0].cost) == pytest.approx(distance(source, target))
