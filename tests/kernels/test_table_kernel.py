"""The product kernel of mixed tables: equal to its formula, blind to constants, strict about what columns allow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from rkdiff.core.parts import PartError
from rkdiff.kernels.columns import decimals, read_columns
from rkdiff.kernels.tables import TRANSFORMS, TableVectors, normal_scores
from rkdiff.kernels.vectors import Kernel

COLUMNS = [
    {"name": "size", "type": "number"},
    {"name": "count", "type": "integer"},
    {"name": "colour", "type": "category", "levels": ["red", "green", "blue"]},
    {"name": "on", "type": "category", "levels": ["no", "yes"]},
]


def rows(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack(
        [np.round(np.exp(rng.normal(size=n)), 2), rng.poisson(2, n), rng.integers(0, 3, n), rng.integers(0, 2, n)], axis=1
    ).astype(float)


def vectors(x, transform="rank", weight=1.0):
    return TableVectors.fit(x, read_columns(COLUMNS, x), transform, weight)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("weight", [0.4, 1.0, 2.5])
def test_the_gaussian_on_the_vectors_is_the_product_over_columns(transform, weight):
    x, width = rows(), 1.3
    product = np.ones((len(x), len(x)))
    for i in range(2):
        score = x[:, i] if transform == "standard" else norm.ppf((rankdata(x[:, i]) - 0.5) / len(x))
        gap = np.abs(score[:, None] - score[None])
        pairs = gap[np.triu_indices(len(x), 1)]
        product *= np.exp(-((gap / np.median(pairs[pairs > 1e-12])) ** 2) / (2 * width**2))
    rho = np.exp(-(weight**2) / (2 * width**2))
    for i in (2, 3):
        product *= rho ** (x[:, i][:, None] != x[:, i][None])
    v = vectors(x, transform, weight).encode(x)
    np.testing.assert_allclose(Kernel("gaussian", width)(v, v), product, atol=1e-12)
    assert np.linalg.eigvalsh(product).min() > -1e-10


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30))
def test_normal_scores_are_those_of_the_mid_ranks(values):
    values = np.array(values, float)
    knots, scores = normal_scores(values)
    np.testing.assert_allclose(np.interp(values, knots, scores), norm.ppf((rankdata(values) - 0.5) / len(values)), atol=1e-9)
    assert (np.diff(scores) > 0).all()


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_training_rows_come_back_from_their_vectors_and_any_vector_gives_an_allowed_row(transform):
    x = rows()
    t = vectors(x, transform)
    np.testing.assert_array_equal(t.decode(t.encode(x)), x)
    found = t.decode(np.random.default_rng(1).normal(size=(50, 7)) * 5)
    for i, c in enumerate(read_columns(COLUMNS, x)):
        assert c.allowed(found[:, i]).all()
        assert np.isin(t.columns[i].grid(), c.snap(t.columns[i].grid())).all()
    assert np.isin(found[:, 2], x[:, 2]).all()


def test_the_grid_of_a_short_range_is_every_allowed_value():
    x = rows()
    np.testing.assert_array_equal(vectors(x).columns[1].grid(), np.arange(x[:, 1].min(), x[:, 1].max() + 1))


def test_a_level_that_training_never_saw_is_known_but_never_decoded():
    x = rows()
    x[:, 2] = np.minimum(x[:, 2], 1)
    t = vectors(x)
    assert t.encode(np.array([[1.0, 1.0, 2.0, 0.0]])).shape == (1, 7)
    assert (t.decode(np.array([[0, 0, -5, -5, 9, 0, 1.0]]))[:, 2] < 2).all()


def test_a_constant_column_changes_no_distance():
    x = rows()
    x[:, 0], x[:, 3] = 4.2, 1.0
    v = vectors(x).encode(x)
    assert (v[:, 0] == 0).all()
    assert (np.ptp(v[:, 5:], axis=0) == 0).all()


def test_values_beyond_the_training_range_are_seen_as_its_ends():
    x = rows()
    t = vectors(x)
    far, end = x[:1].copy(), x[:1].copy()
    far[0, 0], end[0, 0] = 1e300, x[:, 0].max()
    np.testing.assert_array_equal(t.encode(far), t.encode(end))


@pytest.mark.parametrize(("values", "places"), [([1.0, 2.0], 0), ([1.5, 2.0], 1), ([0.1 + 0.2, 1.0], None), ([3.07, 50.81], 2)])
def test_decimals_are_those_that_write_all_values(values, places):
    assert decimals(np.array(values)) == places


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: (x[:1], COLUMNS), "1 training rows"),
        (lambda x: (x, COLUMNS[:3]), "describes 3 columns and the table has 4"),
        (lambda x: (x, [{"name": "a", "type": "text"}, *COLUMNS[1:]]), "'text'; choose one of number"),
        (lambda x: (np.where(x == x[0, 0], np.nan, x), COLUMNS), "not finite; drop those rows"),
        (lambda x: (x * [1e120, 1, 1, 1], COLUMNS), "rescale"),
        (lambda x: (x + [0, 0.5, 0, 0], COLUMNS), "a whole number"),
        (lambda x: (x + [0, 0, 5, 0], COLUMNS), "index from 0 to 2.*red, green, blue"),
        (lambda x: (x, [COLUMNS[0] | {"low": 0.0, "high": 0.5}, *COLUMNS[1:]]), "a number from 0 to 0.5"),
        (lambda x: (x, [*COLUMNS[:2], {"name": "colour", "type": "category"}, COLUMNS[3]]), "names no levels"),
    ],
)
def test_tables_that_break_their_description_are_refused_with_the_reason(change, words):
    x, columns = change(rows())
    with pytest.raises(PartError, match=words):
        read_columns(columns, x)


@pytest.mark.parametrize(("at", "value", "words"), [(2, 7.0, "from 0 to 2"), (0, np.inf, "not finite"), (3, np.nan, "from 0")])
def test_rows_with_unknown_categories_or_missing_numbers_are_not_encoded(at, value, words):
    x = rows()
    bad = x[:2].copy()
    bad[1, at] = value
    with pytest.raises(PartError, match=words):
        vectors(x).encode(bad)
    with pytest.raises(PartError, match="4 columns are needed"):
        vectors(x).encode(bad[:, :3])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (5, "give a list with one dictionary"),
        ("abcd", "give a list with one dictionary"),
        (["size", "count", "colour", "on"], "give a list with one dictionary"),
        ([COLUMNS[0] | {"low": "a"}, *COLUMNS[1:]], "'low' of column 'size' is 'a'; give a finite number"),
        ([COLUMNS[0] | {"low": None}, *COLUMNS[1:]], "'low' of column 'size' is None"),
        ([COLUMNS[0] | {"low": float("nan")}, *COLUMNS[1:]], "'low' of column 'size' is nan"),
        ([COLUMNS[0] | {"high": float("inf")}, *COLUMNS[1:]], "'high' of column 'size' is inf"),
        ([COLUMNS[0] | {"high": True}, *COLUMNS[1:]], "'high' of column 'size' is True"),
        ([COLUMNS[0], COLUMNS[1] | {"low": -0.5}, *COLUMNS[2:]], "integer column 'count' is -0.5; give a whole number"),
        ([*COLUMNS[:3], COLUMNS[3] | {"levels": "ny"}], "'on' names no levels"),
        ([*COLUMNS[:3], COLUMNS[3] | {"levels": 2}], "'on' names no levels"),
        ([*COLUMNS[:3], COLUMNS[3] | {"levels": ["a", "a"]}], "names the level 'a' twice"),
    ],
)
def test_descriptions_that_lie_are_refused_with_what_to_do(columns, words):
    with pytest.raises(PartError, match=words):
        read_columns(columns, rows())


def test_an_unknown_transform_is_refused():
    with pytest.raises(PartError, match="rank, standard"):
        vectors(rows(), "log")
