"""The table of decoders: the same coordinates by every way back, in every space, with a reason where one cannot do it."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from rkdiff.core.parts import PartError, choices, knobs, make
from rkdiff.core.records import outcome
from rkdiff.decoding import compare, lines
from rkdiff.experiment import Experiment

SPACES = [name for name, cls in choices("space").items() if name != "points"]


def source_for(space):
    """A source that the space can hold, with few objects where that can be asked."""
    cls = next(c for c in choices("data").values() if c.modality in choices("space")[space].modalities)
    few = {k.name: max(int(k.low), 30) for k in knobs(cls) if k.name == "n"}
    return cls(**few)


def options(cls):
    return next(k.options for k in knobs(cls) if k.name == "decoder")


def table_of(space):
    """Few particles, short searches: what is tested here does not ask for more."""
    short = {k.name: 20 for k in knobs(choices("space")[space]) if k.name == "search_steps"}
    e = Experiment(source_for(space), make("method", "exact"), space=make("space", space, **short), particles=8, steps=3)
    return outcome(compare(e, "cpu", 3))


def without_seconds(table):
    rows = [
        {**asdict(r), "examples": r.examples.tobytes()}
        | {which: {k: v for k, v in asdict(getattr(r, which)).items() if k != "seconds"} for which in ("generated", "copies")}
        for r in table.rows
        if not r.problem
    ]
    return rows, table.nearest, table.nearest_copies


@pytest.fixture(scope="module")
def tables():
    return {space: table_of(space) for space in SPACES}


@pytest.mark.parametrize("space", SPACES)
def test_there_is_a_row_for_every_decoder(space, tables):
    assert tuple(r.decoder for r in tables[space].rows) == options(choices("space")[space])
    for row in tables[space].rows:
        assert bool(row.problem) == (row.generated is None) == (row.examples is None)


@pytest.mark.parametrize("space", SPACES)
def test_the_nearest_decoder_copies_valid_training_objects(space, tables):
    row = next(r for r in tables[space].rows if r.decoder == "nearest")
    for figures in (row.generated, row.copies):
        assert figures.novel == 0
        assert figures.valid == 1
    assert row.generated.residual == pytest.approx(tables[space].nearest, rel=1e-6, abs=1e-9)
    assert row.copies.residual == pytest.approx(tables[space].nearest_copies, rel=1e-6, abs=1e-9)


def test_pinned_curves_are_decoded_too_and_their_coordinates_meet_the_pin():
    pins = make("guidance", "pinned", pins=1, place_1=0.5, value_1=0.9, noise=0.05)
    data, space = make("data", "gaussian_process", n=60, points=33), make("space", "curves")
    method = make("method", "exact", of="true law")
    table = outcome(compare(Experiment(data, method, space=space, guidance=pins, particles=8, steps=12), "cpu", 4))
    row = next(r for r in table.rows if r.decoder == "fixed_point")
    assert row.problem == ""
    assert row.examples.shape == (4, 33)
    assert row.examples[:, 16].std() < 0.3 < row.examples[:, 28].std()


def test_the_table_counts_what_was_given_not_what_was_asked_for():
    e = Experiment(
        make("data", "quadratics", n=7), make("method", "exact"), space=make("space", "curves"), particles=5, steps=3
    )
    table = outcome(compare(e, "cpu", 24))
    assert (table.count, table.copies) == (5, 7)
    assert lines(table.to_dict())[-1].endswith("; 5 generated, 7 training objects")


def test_the_same_experiment_gives_the_same_table(tables):
    assert without_seconds(table_of("images")) == without_seconds(tables["images"])
    assert without_seconds(table_of("graphs")) == without_seconds(tables["graphs"])


def test_the_printed_table_is_aligned_and_whole(tables):
    text = lines(tables["images"].to_dict())
    body = [line for line in text if " generated " in line or " copies " in line]
    assert len(body) == 2 * len(tables["images"].rows)
    assert len({len(line) for line in [text[0], *body]}) == 1


def test_a_decoder_that_cannot_do_it_says_why(monkeypatch):
    from rkdiff.spaces.images import FittedImages

    decode = FittedImages.decode

    def refuse(self, x, rng, start=None):
        if self.space.decoder == "simplex":
            raise PartError("this kernel has no such way back; choose nearest")
        return decode(self, x, rng, start)

    monkeypatch.setattr(FittedImages, "decode", refuse)
    table = table_of("images")
    bad = next(r for r in table.rows if r.decoder == "simplex")
    assert bad.problem == "this kernel has no such way back; choose nearest"
    assert bad.generated is None
    assert any("simplex: this kernel has no such way back" in line for line in lines(table.to_dict()))
    assert all(r.generated for r in table.rows if r.decoder != "simplex")


def test_points_have_nothing_to_decode_and_no_count_below_one():
    e = Experiment(make("data", "two_moons"), make("method", "exact"), particles=5, steps=2)
    with pytest.raises(PartError, match="nothing to decode"):
        outcome(compare(e, "cpu"))
    with pytest.raises(PartError, match="choose 1 or more"):
        outcome(compare(replace(e, seed=1), "cpu", 0))


def test_the_job_kind_hands_the_table_back(tmp_path):
    from rkdiff.store import Store
    from rkdiff.worker.kinds import KINDS, Job

    e = Experiment(source_for("images"), make("method", "exact"), particles=8, steps=4)
    seen = []
    job = Job("a", Store(tmp_path), "cpu", seen.append)
    result = KINDS["decoders"]({"experiment": e.to_dict(), "count": 3}, job)["result"]
    assert tuple(r["decoder"] for r in result["rows"]) == options(choices("space")["images"])
    assert np.array(result["rows"][0]["examples"]).shape == (3, 8, 8)
    assert seen[-1].stage == "decoding"
    for bad in (0, True, "3", 10**6):
        with pytest.raises(PartError, match="choose a whole number"):
            KINDS["decoders"]({"experiment": e.to_dict(), "count": bad}, job)
