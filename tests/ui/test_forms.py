"""Forms come from declarations: every knob of every part becomes a widget that gives its default back, and the playground runs."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rkdiff.core.parts import HOMES, choices, knobs
from rkdiff.experiment import Experiment
from rkdiff.ui.forms import natural_step

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = [(kind, name) for kind in HOMES for name in choices(kind)]


def form(kind, name):
    import streamlit as st

    from rkdiff.core.parts import choices, make
    from rkdiff.ui.forms import part_knobs

    cls = choices(kind)[name]
    values = part_knobs(cls, "form")
    st.session_state.same = make(kind, name, **values) == cls()


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_form_shows_every_knob_and_gives_the_defaults_back(kind, name):
    at = AppTest.from_function(form, args=(kind, name), default_timeout=60).run()
    assert not at.exception
    assert at.session_state.same
    widgets = len(at.slider) + len(at.number_input) + len(at.selectbox) + len(at.toggle)
    assert widgets == len(knobs(choices(kind)[name]))


@pytest.mark.parametrize("k", [k for kind, name in MEMBERS for k in knobs(choices(kind)[name])] + list(knobs(Experiment)))
def test_steps_are_round_and_fit_the_range(k):
    if k.options or k.type is bool:
        return
    step = natural_step(k)
    assert 0 < step <= k.high - k.low
    assert f"{step:.0e}"[0] in "125"


@pytest.fixture
def playground(store_folder):
    import streamlit as st

    st.cache_resource.clear()
    st.cache_data.clear()
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    from rkdiff.ui.session import jobs

    jobs().close()
    st.cache_resource.clear()


def test_the_page_runs_for_every_dataset(playground):
    for name in choices("data"):
        playground.session_state["playground.data"] = name
        playground.run()
        assert not playground.exception, name
        assert not playground.error, name


def test_every_method_can_be_picked_and_misfits_are_explained(playground):
    playground.run()
    for name in choices("method"):
        playground.selectbox(key="method0").set_value(name).run()
        assert not playground.exception, name
    playground.selectbox(key="method0").set_value("sliced_wasserstein_flow")
    playground.selectbox(key="shared.plane.start").set_value("forward").run()
    assert not playground.exception
    assert "transport" in playground.error[0].value
    assert "choose" in playground.error[0].value


def test_up_to_four_panels(playground):
    playground.run()
    playground.button(key="add").click().run()
    playground.button(key="add").click().run()
    assert [s.key for s in playground.selectbox if s.key and s.key.startswith("method")] == [f"method{i}" for i in range(4)]
    assert not [b for b in playground.button if b.key == "add"]
    playground.button(key="remove").click().run()
    assert playground.session_state["playground.panels"] == 3
