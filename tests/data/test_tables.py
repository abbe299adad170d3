"""Tables: what ships is whole and attributed, what is missing is counted, and the made-up law is the one written down."""

import json

import numpy as np
import pytest

from rkdiff.core.rng import Rng
from rkdiff.data._tables import shipped, table
from rkdiff.data.orders import CHANCES, CORRELATION, EXPRESS, ITEMS, LOG_PRICE, MEANS, Orders
from rkdiff.data.penguins import Penguins
from rkdiff.data.tips import Tips
from rkdiff.kernels.columns import read_columns

SOURCES = [Tips, Penguins, Orders]


@pytest.mark.parametrize("source", SOURCES)
def test_every_row_obeys_its_column_and_labels_are_the_column_of_the_classes(source):
    data = source().make(Rng(0))
    columns = read_columns(data.meta["columns"], data.train)
    for i, c in enumerate(columns):
        assert c.allowed(data.train[:, i]).all()
        if not c.category:
            assert (c.low, c.high) == (data.train[:, i].min(), data.train[:, i].max())
    i = next(i for i, c in enumerate(columns) if list(c.levels) == data.meta["class_names"])
    np.testing.assert_array_equal(data.train_labels, data.train[:, i])
    np.testing.assert_array_equal(data.held_out_labels, data.held_out[:, i])
    assert data.meta["target"] in [c.name for c in columns]
    assert {c.type for c in columns} == {"number", "integer", "category"}


@pytest.mark.parametrize("source", SOURCES)
def test_what_a_table_tells_of_itself_is_plain_json(source):
    meta = source().make(Rng(0)).meta
    assert json.loads(json.dumps(meta)) == meta
    assert len(meta["source"]) > 10


@pytest.mark.parametrize(("source", "whole", "dropped"), [(Tips, 244, 0), (Penguins, 333, 11)])
def test_real_tables_are_split_once_without_loss(source, whole, dropped):
    a, b = source(share=0.5).make(Rng(0)), source(share=0.8).make(Rng(3))
    for data in (a, b):
        assert len(data.train) + len(data.held_out) == whole
        assert data.meta["dropped"] == dropped
    every = [np.sort(np.concatenate([d.train, d.held_out]).view([("", float)] * a.train.shape[1]), axis=0) for d in (a, b)]
    np.testing.assert_array_equal(*every)


def test_known_figures_of_the_public_tables():
    tips = Tips().make(Rng(0))
    bills = np.concatenate([tips.train, tips.held_out])
    np.testing.assert_allclose(bills[:, :2].mean(0), [19.785943, 2.998279], atol=1e-6)
    np.testing.assert_array_equal(np.bincount(bills[:, 4].astype(int)), [62, 19, 87, 76])
    penguins = Penguins().make(Rng(0))
    birds = np.concatenate([penguins.train, penguins.held_out])
    np.testing.assert_array_equal(np.bincount(birds[:, 0].astype(int)), [146, 68, 119])
    np.testing.assert_array_equal(np.unique(birds[birds[:, 0] == 2, 1]), [0])  # Gentoo live on Biscoe only


def test_the_made_up_table_follows_its_law():
    x = Orders().fresh(20000, Rng(1)).train
    kind = x[:, 0].astype(int)
    np.testing.assert_allclose(np.bincount(kind) / len(x), CHANCES, atol=0.015)
    for k in range(3):
        part = x[kind == k]
        np.testing.assert_allclose(part[:, 1:3].mean(0), MEANS[k], atol=0.06)
        np.testing.assert_allclose(np.corrcoef(part[:, 1], part[:, 2])[0, 1], CORRELATION[k], atol=0.04)
        np.testing.assert_allclose([np.log(part[:, 3]).mean(), np.log(part[:, 3]).std()], [LOG_PRICE[k], 0.5], atol=0.03)
        np.testing.assert_allclose([part[:, 4].mean(), part[:, 4].var()], [1 + ITEMS[k], ITEMS[k]], rtol=0.12)
        np.testing.assert_allclose(part[:, 5].mean(), EXPRESS[k], atol=0.03)


def test_lines_with_a_missing_value_are_dropped_and_counted():
    lines = [{"a": "1", "b": "x"}, {"a": "NA", "b": "x"}, {"a": "2.5", "b": ""}, {"a": "3", "b": "y"}]
    rows, dropped = table(lines, {"a": "number", "b": ("x", "y")})
    np.testing.assert_array_equal(rows, [[1, 0], [3, 1]])
    assert dropped == 2


def test_a_package_without_its_file_is_named():
    with pytest.raises(FileNotFoundError, match="pip install nosuchpackage"):
        shipped("nosuchpackage", "rows.csv")
    with pytest.raises(FileNotFoundError, match="ships with the package numpy"):
        shipped("numpy", "rows.csv")
