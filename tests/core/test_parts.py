"""Parts: one declaration, checked, listed, written and read back."""

import math
from dataclasses import dataclass, replace

import pytest

from rkdiff.core.parts import HOMES, LONGEST, Part, PartError, checked, choices, digest, from_dict, knob, knobs, make, shown

MEMBERS = [(kind, name) for kind in HOMES for name in choices(kind)]


@pytest.mark.parametrize("kind", HOMES)
def test_every_kind_has_members(kind):
    assert choices(kind)


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_part_reads_back_what_it_wrote(kind, name):
    part = choices(kind)[name]()
    assert from_dict(kind, part.to_dict()) == part
    assert digest(part) == digest(from_dict(kind, part.to_dict()))


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_part_explains_itself(kind, name):
    cls = choices(kind)[name]
    assert len(cls.summary()) > 10
    assert cls.summary()[0].isupper()
    assert all(len(k.help) > 5 for k in knobs(cls))


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_knob_out_of_bounds_is_refused_with_its_bounds(kind, name):
    cls = choices(kind)[name]
    for k in knobs(cls):
        if k.check is not None:
            assert all(make(kind, name, **{k.name: text}) for text in (k.default, *k.examples))
            for wrong in (None, True, ["1"], "x" * (LONGEST + 1)):
                with pytest.raises(PartError, match=k.name):
                    make(kind, name, **{k.name: wrong})
            continue
        bad = "no such option" if k.options else "yes" if k.type is bool else k.high + 1
        with pytest.raises(PartError) as refusal:
            make(kind, name, **{k.name: bad})
        assert k.name in str(refusal.value)
        assert repr(bad) in str(refusal.value)
        if k.options == () and k.type is not bool:
            for wrong in (math.nan, math.inf, "3", True, None):
                with pytest.raises(PartError):
                    make(kind, name, **{k.name: wrong})


def others(part, k):
    """The part with other values of one knob, as far as its other knobs allow them."""
    for value in k.options or k.examples or ((True, False) if k.type is bool else (k.type(k.low), k.type(k.high))):
        try:
            yield replace(part, **{k.name: value})
        except PartError:
            continue


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_every_knob_changes_the_digest(kind, name):
    part = choices(kind)[name]()
    for k in knobs(type(part)):
        changed = [o for o in others(part, k) if o != part]
        assert changed, k.name
        assert all(digest(o) != digest(part) for o in changed)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(PartError, match="did you mean 'two_moons'"):
        make("data", "two_mons")


def test_an_unknown_knob_names_the_known_ones():
    with pytest.raises(PartError, match="has no knob 'wobble'; it has"):
        make("data", "two_moons", wobble=1)


def test_an_unknown_kind_lists_the_kinds():
    with pytest.raises(PartError, match="choose one of data, space"):
        choices("colour")


@pytest.mark.parametrize("value", [None, 3, [], {}, {"name": 3}, {"noise": 1}])
def test_what_is_not_a_part_is_refused(value):
    with pytest.raises(PartError, match="is written as"):
        from_dict("data", value)


@pytest.mark.parametrize("size", [320, 5000])
@pytest.mark.parametrize("kind", ["whole", "real"])
def test_a_number_of_many_digits_is_refused_in_a_short_line(size, kind):
    knob_name = {"whole": "n", "real": "noise"}[kind]
    for huge in (10**size, -(10**size)):
        with pytest.raises(PartError, match=f"{knob_name} is .*; choose between") as refusal:
            make("data", "two_moons", **{knob_name: huge})
        assert len(str(refusal.value)) < 160


@pytest.mark.parametrize("word", ["kind", "cls", "self", "owner", "values"])
def test_a_knob_may_not_be_confused_with_the_makers_own_words(word):
    with pytest.raises(PartError, match=f"has no knob '{word}'"):
        from_dict("data", {"name": "two_moons", word: 1})


def test_what_a_message_shows_is_short():
    deep = []
    for _ in range(5000):
        deep = [deep]
    for value in ("x" * 1000, [1] * 1000, 10**5000, deep):
        assert len(shown(value)) <= 80
    assert shown(3.0) == "3.0"


def test_a_knob_needs_its_bounds_when_it_is_declared():
    with pytest.raises(TypeError, match="low and high"):
        knob(1.0, help="unbounded")
    with pytest.raises(TypeError, match="options"):
        knob("a", help="no options")


def test_a_new_part_is_a_member_the_moment_it_exists():
    from rkdiff.core import parts

    @dataclass(frozen=True)
    class Brand(Part, kind="brand"):
        """A kind made up here."""

    @dataclass(frozen=True)
    class VeryNewThing(Brand):
        """A thing made up here."""

        size: int = knob(3, 1, 9, help="how large")

    try:
        assert parts._registry["brand"] == {"very_new_thing": VeryNewThing}
        assert VeryNewThing(4).to_dict() == {"name": "very_new_thing", "size": 4}
    finally:
        parts._registry.pop("brand")


@pytest.mark.parametrize("kind", HOMES)
def test_a_knob_that_matters_only_beside_others_names_knobs_and_values_that_exist(kind):
    for cls in choices(kind).values():
        own = {k.name: k for k in knobs(cls)}
        for k in own.values():
            for name, allowed in k.when:
                other = own.get(name)  # a shared knob may name one that not every member has
                assert other is None or any(possible(other, v) for v in allowed), f"{cls.__name__}.{k.name} never matters"


def possible(k, value):
    try:
        return checked("Part", k, value) == value
    except PartError:
        return False


def test_a_knob_matters_beside_the_values_it_names():
    @dataclass(frozen=True)
    class Two:
        way: str = knob("search", options=("search", "nearest"), help="which way")
        steps: int = knob(10, 1, 100, when={"way": ("search",)}, help="how long")

    steps = knobs(Two)[1]
    assert steps.matters({"way": "search"})
    assert not steps.matters({"way": "nearest"})
    assert steps.matters({})
