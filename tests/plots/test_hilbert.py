import numpy as np
import pytest

from rkdiff.plots.hilbert import (
    collapse_figure,
    dimension_figure,
    noise_figure,
    snr_figure,
    spectrum_figure,
    variation_figure,
)

J = np.arange(1.0, 33)
FIGURES = {
    "dimension": dimension_figure,
    "noise": noise_figure,
    "variation": variation_figure,
    "snr": lambda: snr_figure(J**-4, J**-2),
    "collapse": lambda: collapse_figure(J**-4, J**-2, 500),
    "spectrum": lambda: spectrum_figure(J**-4, J**-2, chosen=8),
}


def lines(fig):
    return {t.name: (np.asarray(t.x, float), np.asarray(t.y, float)) for t in fig.data}


def slope(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[0]


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fit_both_themes_and_are_the_same_every_time(name):
    fig = FIGURES[name]()
    assert fig.layout.paper_bgcolor == fig.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert fig.layout.font.color is None
    assert all(a.font.color is None for a in fig.layout.annotations)
    assert fig.to_json() == FIGURES[name]().to_json()


def test_the_error_grows_with_the_modes_for_white_noise_and_not_for_trace_class_noise():
    found = lines(dimension_figure())
    assert 0.9 < slope(*(v[-3:] for v in found["white"])) < 1.1
    assert 0.45 < slope(*(v[-2:] for v in found["b = 0.5"])) < 0.65
    assert found["b = 2"][1].max() < 2.2 * found["b = 2"][1].min()
    np.testing.assert_allclose(found["b = 4, matched"][1], found["b = 4, matched"][1][0], rtol=1e-3)


def test_total_variation_has_slope_one_for_white_noise_and_is_flat_for_smooth_noise():
    found = lines(variation_figure())
    assert slope(*found["white"]) == pytest.approx(1.0, abs=0.03)
    assert slope(*(v[-3:] for v in found["Matérn, smoothness 2"])) < 0.02
    assert slope(*(v[-3:] for v in found["Matérn, smoothness 1"])) < 0.2


def test_trace_class_noise_is_one_function_on_every_grid_and_white_noise_is_not():
    fig = noise_figure(points=(65, 129))
    smooth = [np.asarray(t.y) for t in fig.data if t.name == "trace class"]
    white = [np.asarray(t.y) for t in fig.data if t.name == "white"]
    np.testing.assert_allclose(smooth[1][::2], smooth[0], atol=1e-9)
    assert np.abs(np.diff(white[1])).sum() > 1.5 * np.abs(np.diff(white[0])).sum()


def test_matched_noise_reads_all_modes_at_once_and_white_noise_the_large_ones_first():
    matched, white = (np.asarray(snr_figure(J**-4, q).data[0].z) for q in (J**-4, J**0))
    np.testing.assert_allclose(matched, np.broadcast_to(matched[:1], matched.shape), atol=1e-9)
    first = (white > 0).sum(1)
    assert (np.diff(first) <= 0).all()
    assert first[0] > first[-1]


def test_the_collapse_is_marked_where_few_points_are_left():
    fig = collapse_figure(J**-4, J**-2, 1000)
    x, y = lines(fig)["points behind a sample"]
    here = fig.layout.shapes[0].x0
    assert y[0] == pytest.approx(1000, rel=0.1)
    assert y[-1] == pytest.approx(1, abs=0.01)
    assert 1.5 < np.interp(-np.log(here), -np.log(x), y) < 20


def test_the_spectrum_marks_the_chosen_modes_and_gives_noise_the_datas_total():
    fig = spectrum_figure(J**-2, J**-1, chosen=8)
    found = lines(fig)
    assert found["noise, same total"][1].sum() == pytest.approx((J**-2).sum())
    assert found["explained"][1][-1] == pytest.approx(100)
    assert fig.layout.shapes[0].x0 == 8
    assert fig.layout.yaxis2.tickmode == "array"
    assert (
        list(fig.layout.yaxis2.ticktext)
        == [f"{v} %" for v in fig.layout.yaxis2.tickvals]
        == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    )
    assert spectrum_figure(np.ones(200)).layout.xaxis.type == "log"
