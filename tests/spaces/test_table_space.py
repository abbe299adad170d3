"""Mixed tables in H: rows of the right types whatever the decoder, and an ascent that only ever climbs."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import members

from rkdiff.core.parts import PartError, make
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.orders import Orders
from rkdiff.data.penguins import Penguins
from rkdiff.data.tips import Tips
from rkdiff.experiment import Experiment
from rkdiff.spaces._table_ascent import ascend, height
from rkdiff.spaces.tables import DECODERS, Tables
from rkdiff.stages import run

SETS = {"tips": Tips, "penguins": Penguins, "orders": Orders}


@pytest.fixture(scope="module", params=SETS)
def data(request):
    return SETS[request.param]().make(Rng(0))


def asked(fitted, x):
    z = fitted.kernel_coordinates(x)
    return fitted.table, fitted.embedding.kernel.width, fitted.embedding.anchors, fitted.embedding.gamma(z)


@settings(max_examples=15)
@given(drawn=st.data(), seed=st.integers(0, 50))
@pytest.mark.parametrize("name", SETS)
def test_whatever_the_knobs_rows_obey_types_ranges_and_categories(name, drawn, seed):
    source = SETS[name](n=60) if name == "orders" else SETS[name](share=0.3)
    made = source.make(Rng(seed))
    fitted = drawn.draw(members(Tables)).fit(made, Rng(seed))
    x = np.random.default_rng(seed).normal(size=(5, fitted.dim)) * 3
    rows = fitted.decode(x, Rng(seed))
    assert rows.shape == (5, made.train.shape[1])
    assert fitted.valid(rows).all()
    np.testing.assert_array_equal(rows, fitted.snapped(rows))
    for i, c in enumerate(fitted.columns):
        assert (rows[:, i] >= made.train[:, i].min()).all()
        assert (rows[:, i] <= made.train[:, i].max()).all()
        if c.category:
            assert np.isin(rows[:, i], made.train[:, i]).all()


def test_the_ascent_never_falls_and_every_row_on_the_way_is_valid(data):
    fitted = Tables(r=8, width=1.0).fit(data, Rng(0))
    x = np.random.default_rng(0).normal(size=(40, fitted.dim)) * 2
    at, begin = asked(fitted, x), data.train[:40]
    ways = [ascend(*at, begin, n) for n in (0, 1, 2, 3, 8)]
    np.testing.assert_array_equal(ways[0], begin)
    for low, high in pairwise(ways):
        assert (height(*at, high) >= height(*at, low) - 1e-12).all()
        assert fitted.valid(high).all()
    assert (height(*at, ways[-1]) > height(*at, begin) + 1e-3).mean() > 0.8


def test_no_change_of_one_category_or_integer_improves_an_ascended_row(data):
    fitted = Tables(r=8, width=1.0).fit(data, Rng(0))
    x = np.random.default_rng(1).normal(size=(15, fitted.dim))
    at = asked(fitted, x)
    rows = ascend(*at, data.train[:15], 40)
    best = height(*at, rows)
    for i, c in enumerate(fitted.table.columns):
        if c.column.category or len(c.grid()) < 12:
            for value in c.grid():
                other = rows.copy()
                other[:, i] = value
                assert (height(*at, other) <= best + 1e-9).all()


def test_height_is_the_residual_turned_over(data):
    fitted = Tables(r=8).fit(data, Rng(0))
    x = fitted.encode(data.held_out[:6])
    up = height(*asked(fitted, x), data.train[:6])
    norm2 = fitted.embedding.norm2(fitted.kernel_coordinates(x))
    np.testing.assert_allclose(fitted.residual(data.train[:6], x), norm2 - up, atol=1e-9)


def test_the_ascent_is_no_further_in_h_than_any_other_decoder(data):
    fitted = Tables().fit(data, Rng(0))
    x = np.random.default_rng(2).normal(size=(30, fitted.dim))
    r = {d: fitted.residual(fitted.with_decoder(d).decode(x, Rng(0)), x) for d in DECODERS}
    assert (r["ascent"] <= r["nearest"] + 1e-9).all()
    assert (r["ascent"] <= r["fixed_point"] + 1e-9).all()
    assert r["ascent"].mean() <= r["simplex"].mean()


def test_held_out_rows_come_back_far_better_than_by_the_nearest_training_row(data):
    fitted = Tables().fit(data, Rng(0))
    inside = data.held_out[fitted.valid(data.held_out)]
    found = fitted.decode(fitted.encode(inside), Rng(0))
    near = fitted.with_decoder("nearest").decode(fitted.encode(inside), Rng(0))
    kinds = [i for i, c in enumerate(fitted.columns) if c.category]
    assert (found[:, kinds] == inside[:, kinds]).mean() > 0.97
    scores = [((fitted.vectors(y) - fitted.vectors(inside)) ** 2).sum(1).mean() for y in (found, near)]
    assert scores[0] < 0.25 * scores[1]


def test_all_coordinates_give_training_rows_back_exactly():
    data = Penguins(share=0.2).make(Rng(0))
    fitted = Tables(r=60, width=1.0).fit(data, Rng(0))
    found = fitted.with_decoder("nearest").decode(fitted.encode(data.train), Rng(0))
    assert (found == data.train).all(1).mean() > 0.95
    assert not fitted.novel(data.train).any()


def test_novelty_is_told_with_the_decimals_of_the_columns():
    data = Tips().make(Rng(0))
    fitted = Tables().fit(data, Rng(0))
    near, new = data.train[:3].copy(), data.train[:3].copy()
    near[:, 0] += 1e-4
    new[:, 0] = np.minimum(new[:, 0] + 0.01, data.train[:, 0].max() - 0.05)
    assert not fitted.novel(near).any()
    assert fitted.novel(new).all()


def test_wrong_types_ranges_and_categories_are_not_valid():
    data = Tips().make(Rng(0))
    fitted = Tables().fit(data, Rng(0))
    rows = np.repeat(data.train[:1], 6, axis=0)
    rows[1, 6] += 0.5
    rows[2, 0] = 1e9
    rows[3, 4] = 4.0
    rows[4, 4] = 0.5
    rows[5, 1] = np.nan
    assert fitted.valid(rows).tolist() == [True, False, False, False, False, False]


def test_a_start_with_a_better_row_is_taken_up_and_a_worse_one_ignored():
    data = Orders().make(Rng(0))
    fitted = Tables(width=0.5).fit(data, Rng(0))
    x = np.random.default_rng(3).normal(size=(10, fitted.dim))
    plain = fitted.decode(x, Rng(0))
    at = asked(fitted, x)
    for start in (plain, data.train[:10], np.full_like(plain, np.nan)):
        assert (height(*at, fitted.decode(x, Rng(0), start=start)) >= height(*at, plain) - 1e-9).all()


def made(train, columns):
    return Dataset("made", "tables", train, train, meta={"columns": columns})


def test_a_constant_column_is_harmless_repeated_and_said_so():
    data = Penguins().make(Rng(0))
    train = data.train.copy()
    train[:, 2], train[:, 6] = 40.5, 1.0
    columns = [dict(c) for c in data.meta["columns"]]
    columns[2] |= {"low": 40.5, "high": 40.5}
    fitted = Tables().fit(replace(data, train=train, meta={"columns": columns}), Rng(0))
    rows = fitted.decode(np.random.default_rng(0).normal(size=(20, fitted.dim)), Rng(0))
    assert (rows[:, 2] == 40.5).all()
    assert (rows[:, 6] == 1.0).all()
    assert any("bill_length_mm, sex is constant" in line for line in fitted.advice)


@pytest.mark.parametrize(
    ("train", "words"),
    [
        (np.ones((5, 2)), "look alike"),
        (np.ones((1, 2)), "at least two"),
        (np.zeros((0, 2)), "at least two"),
        (np.array([[1, 0], [np.nan, 1.0]]), "not finite"),
        (np.array([[1, 0], [2, 5.0]]), "no, yes"),
        (np.array([[1e200, 0], [2, 1.0]]), "rescale"),
        (np.ones((3, 2, 2)), "rows, columns"),
        (np.array([["a", "no"], ["b", "yes"]]), "give numbers"),
    ],
)
def test_tables_that_cannot_be_embedded_are_refused_with_the_reason(train, words):
    columns = [{"name": "a", "type": "number"}, {"name": "b", "type": "category", "levels": ["no", "yes"]}]
    with pytest.raises(PartError, match=words):
        Tables().fit(made(train, columns), Rng(0))


def test_a_table_that_does_not_describe_its_columns_is_refused():
    with pytest.raises(PartError, match="describe them"):
        Tables().fit(Dataset("made", "tables", np.eye(3), np.eye(3)), Rng(0))


def test_duplicated_rows_are_allowed_as_long_as_two_differ():
    train = np.array([[1.0, 0], [1, 0], [1, 0], [2, 1]])
    columns = [{"name": "a", "type": "number"}, {"name": "b", "type": "category", "levels": ["no", "yes"]}]
    fitted = Tables().fit(made(train, columns), Rng(0))
    np.testing.assert_array_equal(fitted.decode(fitted.encode(train), Rng(0)), train)


def test_guided_rows_are_of_the_species_that_was_asked_for():
    e = Experiment(
        Penguins(),
        make("method", "kernel_diffusion", levels=10, noisy=1000, landmarks=150),
        guidance=make("guidance", "classifier_free"),
        particles=60,
        steps=12,
        repeats=1,
    )
    done = run(e, "cpu")
    found, wanted = done.arrays["samples"], done.arrays["labels"]
    assert len(np.unique(wanted)) == 3
    assert (found[:, 0] == wanted[: len(found)]).mean() > 0.95
    assert done.info["objects"]["valid"] == 1.0
