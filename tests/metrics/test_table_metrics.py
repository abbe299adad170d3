"""Metrics of mixed tables against closed forms and other implementations; copies are alike and private to nobody."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import association

from rkdiff.core.rng import Rng
from rkdiff.data.orders import Orders
from rkdiff.data.penguins import Penguins
from rkdiff.kernels.columns import Column, read_columns
from rkdiff.metrics import tables as m
from rkdiff.metrics.table_baselines import bootstrap, gaussian_copula, interpolation

values = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=25).map(np.array)
PLAIN = (Column("x", "number", -9, 9), Column("k", "category", 0, 1, ("no", "yes"), 0))


@pytest.fixture(scope="module")
def orders():
    data = Orders(n=400).make(Rng(0))
    return data, read_columns(data.meta["columns"], data.train)


@given(values, values)
def test_ks_is_scipys(a, b):
    np.testing.assert_allclose(m.ks(a, b), stats.ks_2samp(a, b, method="asymp").statistic, atol=1e-12)


def test_marginals_by_hand():
    a = np.array([[0.0, 0], [1, 0], [2, 1], [3, 1]])
    np.testing.assert_allclose(m.marginals(a, a + [1.0, 0], PLAIN), [0.25, 0])
    np.testing.assert_allclose(m.marginals(a, a + [10.0, 0], PLAIN), [1, 0])
    np.testing.assert_allclose(m.marginals(a, np.array([[0.0, 1], [2.0, 1]]), PLAIN), [0.25, 0.5])


@given(st.integers(0, 30))
def test_cramers_v_is_scipys_and_the_correlation_ratio_that_of_an_analysis_of_variance(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 3, 60), rng.integers(0, 4, 60)
    z = rng.normal(size=60) + x
    counts = np.array([[((x == i) & (y == j)).sum() for j in np.unique(y)] for i in np.unique(x)])
    np.testing.assert_allclose(m.cramers_v(x.astype(float), y.astype(float)), association(counts, method="cramer"), atol=1e-10)
    f = stats.f_oneway(*(z[x == k] for k in range(3))).statistic
    np.testing.assert_allclose(m.correlation_ratio(x.astype(float), z), np.sqrt(2 * f / (2 * f + 57)), atol=1e-10)


def test_associations_of_a_column_with_itself_and_with_a_constant():
    x = np.array([0.0, 1, 2, 0, 1, 2])
    assert np.isclose(m.pearson(x, -x), -1)
    assert np.isclose(m.cramers_v(x, 2 - x), 1)
    assert np.isclose(m.correlation_ratio(x, x**2), 1)
    one = np.ones(6)
    assert m.pearson(x, one) == m.cramers_v(x, one) == m.correlation_ratio(x, one) == m.correlation_ratio(one, x) == 0


def test_the_matrix_of_associations_is_symmetric_and_signed_for_numbers(orders):
    data, columns = orders
    a = m.associations(data.train, columns)
    np.testing.assert_array_equal(a, a.T)
    assert (np.diag(a) == 1).all()
    assert np.isclose(a[1, 2], np.corrcoef(data.train[:, 1], data.train[:, 2])[0, 1])


def test_copies_are_at_distance_zero_everywhere_and_private_to_nobody(orders):
    data, columns = orders
    shuffled = np.random.default_rng(0).permutation(data.train)
    assert (m.marginals(shuffled, data.train, columns) == 0).all()
    assert m.association_distance(shuffled, data.train, columns) < 1e-12
    assert m.privacy_ratio(shuffled, data.train, data.held_out, columns) == 0
    assert m.copied(shuffled, data.train) == 1
    assert m.privacy_ratio(data.held_out, data.train, data.held_out, columns) == 1
    assert m.copied(data.held_out, data.train) == 0


def test_columns_shuffled_apart_keep_marginals_and_lose_all_associations(orders):
    data, columns = orders
    rng = np.random.default_rng(0)
    apart = np.stack([rng.permutation(c) for c in data.train.T], axis=1)
    assert (m.marginals(apart, data.train, columns) == 0).all()
    whole = np.abs(m.associations(data.train, columns))[np.triu_indices(6, 1)].mean()
    assert m.association_distance(apart, data.train, columns) > 0.7 * whole
    assert m.predicts(apart, data.held_out, columns, "kind") < 0.5
    assert m.predicts(data.train, data.held_out, columns, "kind") > 0.9


def test_nearest_distances_by_hand():
    train = np.array([[0.0, 0], [2.0, 1]])  # deviation 1
    rows = np.array([[0.0, 0], [0.5, 0], [0.5, 1], [2.0, 0]])
    np.testing.assert_allclose(m.nearest_distances(rows, train, PLAIN), [0, 0.5, np.sqrt(1.25), 1])
    np.testing.assert_allclose(m.privacy_ratio(rows[1:2], train, rows[3:], PLAIN), 0.5)


@pytest.mark.parametrize("model", m.MODELS)
def test_a_line_is_learned_from_any_of_its_rows(model):
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, (600, 1))
    rows = np.concatenate([2 * x + 1, x], axis=1)
    columns = (Column("y", "number", -9, 9), Column("x", "number", -9, 9))
    assert m.predicts(rows[:400], rows[400:], columns, "y", model) > 0.99


def test_a_target_of_one_value_teaches_that_value(orders):
    data, columns = orders
    one = data.train[data.train[:, 0] == 1]
    assert np.isclose(m.predicts(one, data.held_out, columns, "kind"), 1 / 3)
    flat = data.train.copy()
    flat[:, 3] = data.held_out[:, 3].mean()
    assert np.isclose(m.predicts(flat, data.held_out, columns, "price"), 0)


def test_questions_without_an_answer_are_refused(orders):
    data, columns = orders
    with pytest.raises(ValueError, match="no column 'colour'"):
        m.predicts(data.train, data.held_out, columns, "colour")
    with pytest.raises(ValueError, match="linear or boosting"):
        m.predicts(data.train, data.held_out, columns, "kind", "oracle")
    with pytest.raises(ValueError, match="holds no row"):
        m.marginals(data.train[:0], data.train, columns)
    with pytest.raises(ValueError, match="hold out others"):
        m.privacy_ratio(data.held_out, data.train, data.train, columns)
    with pytest.raises(ValueError, match="at least two"):
        interpolation(data.train[:1], columns, 3, np.random.default_rng(0))


def test_partners_of_an_interpolation_are_among_the_nearest_rows_in_training_deviations():
    rng = np.random.default_rng(0)
    # in raw units the number would drown the category
    train = np.stack([rng.normal(size=80) * 1000, rng.integers(0, 2, 80)], axis=1).astype(float)
    columns = (Column("x", "number", -9e9, 9e9), Column("k", "category", 0, 1, ("no", "yes"), 0))
    scaled = train / [train[:, 0].std(), 1.0]
    apart = np.sqrt(((scaled[:, None] - scaled[None]) ** 2).sum(2))
    np.testing.assert_allclose(m.distances(train, train, columns, train), apart, atol=1e-12)
    k = 3
    rows = interpolation(train, columns, 300, np.random.default_rng(1), k)
    near = np.argsort(apart + np.diag(np.full(80, np.inf)), axis=1)[:, :k]
    pairs = [(train[i], train[j]) for i in range(80) for j in near[i]]
    ends = np.array([[min(a[0], b[0]), max(a[0], b[0])] for a, b in pairs])
    kinds = np.array([[a[1], b[1]] for a, b in pairs])
    for x, kind in rows:
        assert ((ends[:, 0] - 1e-9 <= x) & (x <= ends[:, 1] + 1e-9) & (kinds == kind).any(1)).any()
    same = {i for i in range(80) if (train[near[i], 1] == train[i, 1]).all()}
    assert len(same) > 20  # most rows keep their category: only the right scale knows it


def test_bootstrap_rows_are_training_rows(orders):
    data, _ = orders
    assert m.copied(bootstrap(data.train, 50, np.random.default_rng(0)), data.train) == 1


def test_the_copula_keeps_marginals_and_linear_dependence_and_gives_allowed_values():
    rng = np.random.default_rng(0)
    z = rng.multivariate_normal([0, 0, 0], [[1, 0.7, 0.5], [0.7, 1, 0.35], [0.5, 0.35, 1]], 3000)
    train = np.stack([np.round(np.exp(z[:, 0]), 3), np.round(z[:, 1]), z[:, 2] > 0.5], axis=1).astype(float)
    columns = read_columns(
        [
            {"name": "a", "type": "number"},
            {"name": "b", "type": "integer"},
            {"name": "c", "type": "category", "levels": ["n", "y"]},
        ],
        train,
    )
    rows = gaussian_copula(train, columns, 3000, np.random.default_rng(1))
    assert (m.marginals(rows, train, columns) < 0.04).all()
    np.testing.assert_allclose(np.corrcoef(np.log(rows[:, 0]), rows[:, 1])[0, 1], 0.67, atol=0.05)
    for i, c in enumerate(columns):
        assert c.allowed(rows[:, i]).all()


def test_the_copula_cannot_bend_categories_as_the_data_do():
    data = Penguins().make(Rng(0))
    columns = read_columns(data.meta["columns"], data.train)
    rows = gaussian_copula(data.train, columns, 500, np.random.default_rng(0))
    assert m.association_distance(rows, data.train, columns) > 0.1


@pytest.mark.parametrize("k", [1, 5, 10**6])
def test_interpolated_rows_lie_between_two_training_rows(orders, k):
    data, columns = orders
    train = data.train[:40]
    rows = interpolation(train, columns, 60, np.random.default_rng(0), k)
    pairs = [(a, b) for a in train for b in train]
    low, high = (np.stack([f(a, b) for a, b in pairs]) for f in (np.minimum, np.maximum))
    first, second = np.stack([a for a, _ in pairs]), np.stack([b for _, b in pairs])
    kinds = [i for i, c in enumerate(columns) if c.category]
    for row in rows:
        between = ((row >= low - 0.5) & (row <= high + 0.5)).all(1)
        either = ((row == first) | (row == second))[:, kinds].all(1)
        assert (between & either).any()
    for i, c in enumerate(columns):
        assert c.allowed(rows[:, i]).all() or c.type == "number"
