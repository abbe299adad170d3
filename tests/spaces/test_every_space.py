"""Laws of every space on every dataset that it can hold: what is promised by `rkdiff.spaces.Fitted`, whoever fills it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from rkdiff.core.parts import PartError, choices, knobs, make
from rkdiff.core.rng import Rng
from rkdiff.experiment import default_part
from rkdiff.spaces._kernel import FittedKernel

SOURCES = [n for n, c in choices("data").items() if c.modality != "points"]
SOME = 6


def _small(name):
    """The source with its defaults, and few training objects where it lets one choose."""
    source = make("data", name)
    few = {k.name: max(int(k.low), 40) for k in knobs(type(source)) if k.name == "n"}
    return replace(source, **few)


@cache
def fitted(name):
    data = _small(name).make(Rng(0).child("data"))
    space = default_part("space", make("data", name), make("method", "exact"))
    return data, space.fit(data, Rng(0).child("space"))


@cache
def decoded(name, decoder):
    data, space = fitted(name)
    x = space.encode(data.held_out[:SOME])
    return x, space.with_decoder(decoder).decode(x, Rng(1))


def _pairs():
    return [(n, d) for n in SOURCES for d in fitted(n)[1].decoders]


@pytest.mark.parametrize("name", SOURCES)
def test_coordinates_are_finite_and_noise_and_data_are_of_one_size(name):
    data, space = fitted(name)
    x = space.encode(data.train)
    assert x.shape == (len(data.train), space.dim)
    assert np.isfinite(x).all()
    assert np.isclose(space.weights.mean(), 1)
    assert 0.5 < x.var(axis=0).mean() < 2


@pytest.mark.parametrize("name", SOURCES)
def test_training_and_held_out_objects_are_valid_and_training_ones_not_new(name):
    data, space = fitted(name)
    assert space.valid(data.train).all()
    assert space.valid(data.held_out).mean() > 0.6  # a word or a size may be unknown
    assert not space.novel(space.shown(data.train)[:20]).any()


@pytest.mark.parametrize("name", SOURCES)
def test_copies_of_one_object_count_once(name):
    data, space = fitted(name)
    assert space.unique(np.repeat(data.train[:1], 4, axis=0)) == 0.25


@pytest.mark.parametrize("name", SOURCES)
def test_the_residual_of_an_object_at_its_own_coordinates_is_what_they_do_not_see(name):
    data, space = fitted(name)
    objects = data.train[:SOME]
    r = space.residual(objects, space.encode(objects))
    assert (r >= 0).all()
    if isinstance(space, FittedKernel):
        np.testing.assert_allclose(r, space.embedding.residual(space.vectors(objects)), atol=1e-8 * (1 + r.max()))


@pytest.mark.parametrize(("name", "decoder"), _pairs())
def test_decoded_objects_have_the_form_of_the_data_and_are_finite(name, decoder):
    data, space = fitted(name)
    x, objects = decoded(name, decoder)
    assert objects.shape == space.shown(data.train[: len(x)]).shape
    assert np.isfinite(objects.astype(float)).all()
    assert np.isfinite(space.residual(objects, x)).all()


@pytest.mark.parametrize(("name", "decoder"), [p for p in _pairs() if p[1] == "nearest"])
def test_the_nearest_training_object_is_valid_never_new_and_the_nearest_in_h(name, decoder):
    data, space = fitted(name)
    x, objects = decoded(name, decoder)
    assert space.valid(objects).all()
    assert not space.novel(objects).any()
    mine = space.residual(objects, x)
    for other in data.train[:: max(1, len(data.train) // 15)]:
        assert (mine <= space.residual(space.shown(np.repeat(other[None], len(x), axis=0)), x) + 1e-6).all()


@pytest.mark.parametrize("name", SOURCES)
def test_no_object_and_one_object_are_decoded(name):
    _, space = fitted(name)
    assert len(space.decode(np.zeros((0, space.dim)), Rng(0))) == 0
    assert len(space.decode(np.zeros((1, space.dim)), Rng(0))) == 1


@pytest.mark.parametrize("name", SOURCES)
def test_far_outside_the_data_the_decoder_still_gives_objects(name):
    _, space = fitted(name)
    objects = space.decode(50 * np.ones((2, space.dim)), Rng(0))
    assert np.isfinite(objects.astype(float)).all()


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_stream_decodes_the_same_objects_and_start_is_accepted(name):
    data, space = fitted(name)
    x = space.encode(data.train[:2])
    once, again = space.decode(x, Rng(3)), space.decode(x, Rng(3))
    assert once.tobytes() == again.tobytes()
    assert space.decode(x, Rng(3), start=once).shape == once.shape


@pytest.mark.parametrize("name", SOURCES)
def test_sets_of_one_object_or_of_copies_are_refused_with_a_reason(name):
    data, _ = fitted(name)
    space = default_part("space", make("data", name), make("method", "exact"))
    for train in (data.train[:0], data.train[:1], np.repeat(data.train[:1], 5, axis=0)):
        with pytest.raises((PartError, ValueError), match=r"(?i)two|different|alike|at least|n >= 1"):
            space.fit(replace(data, train=train, train_labels=None), Rng(0))
