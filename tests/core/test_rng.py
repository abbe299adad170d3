"""Named streams: reproducible, independent of each other and of the order of asking."""

import numpy as np

from rkdiff.core.rng import Rng


def test_a_name_gives_the_same_numbers_whenever_it_is_asked():
    rng = Rng(3)
    first = rng.numpy("a").standard_normal(5)
    rng.numpy("b").standard_normal(100)
    assert (rng.numpy("a").standard_normal(5) == first).all()
    assert (rng.torch("a").get_state() == Rng(3).torch("a").get_state()).all()


def test_names_and_seeds_give_different_numbers():
    drawn = [Rng(s).child(c).numpy(n).standard_normal(4) for s in (0, 1) for c in ("x", "y") for n in ("a", "b")]
    assert len({tuple(d) for d in drawn}) == len(drawn)


def test_streams_are_uncorrelated():
    a, b = Rng(0).numpy("a").standard_normal(20000), Rng(0).numpy("b").standard_normal(20000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(20000)
