"""The structured page from forms to figures, without a browser."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from rkdiff.core.parts import choices, knobs
from rkdiff.experiment import Experiment
from rkdiff.plots.structured import gram_figure, gram_order, shares_figure, validity_figure
from rkdiff.stages import run
from rkdiff.store import Store
from rkdiff.ui.decoders import duration
from rkdiff.ui.forms import ladder
from rkdiff.ui.insight import IN_SIGHT, read
from rkdiff.ui.reading import command

ROOT = Path(__file__).resolve().parents[2]
NAMES = [n for n, c in choices("data").items() if c.modality != "points"]
SPACES = [c for n, c in choices("space").items() if n != "points"]


@pytest.fixture
def structured(store_folder):
    import streamlit as st

    st.cache_resource.clear()
    st.cache_data.clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    yield at.switch_page("pages/structured.py")
    from rkdiff.ui.session import jobs

    jobs().close()
    st.cache_resource.clear()


def test_the_page_runs_for_every_structured_dataset_and_asks_for_what_ships(structured):
    for name in NAMES:
        structured.session_state["structured.data"] = name
        structured.run()
        assert not structured.exception, name
        assert not structured.error, name
        assert not said(structured, "settings have changed"), name


def test_what_is_in_sight_reaches_the_experiment_and_the_link(structured):
    structured.session_state["structured.data"] = "digits"
    structured.run()
    structured.slider(key="structured.images.r").set_value(5)
    structured.select_slider(key="structured.images.width").set_value(0.3)
    structured.selectbox(key="structured.images.decoder").set_value("nearest")
    structured.selectbox(key="structured.beside").set_value("nothing").run()
    assert not structured.exception
    found = structured.session_state["structured.address"]
    assert {k: found[k] for k in ("data", "r", "width", "decoder", "beside")} == {
        "data": "digits",
        "r": "5",
        "width": "0.3",
        "decoder": "nearest",
        "beside": "nothing",
    }


def test_a_link_sets_the_sliders_and_nonsense_in_it_costs_nothing(structured):
    for name, value in {"data": "digits", "r": "7", "width": "fast", "decoder": "magic", "method": "exact"}.items():
        structured.query_params[name] = value
    structured.run()
    assert not structured.exception
    assert structured.slider(key="structured.images.r").value == 7
    assert structured.select_slider(key="structured.images.width").value == 1.0
    assert structured.selectbox(key="structured.method").value == "exact"
    assert said(structured, "width=fast, decoder=magic")


def said(at, words):
    """Whether a caption of the page holds these words."""
    return any(words in c.value for c in at.caption)


def test_a_changed_control_is_told_on_shipped_scenes_too(structured):
    structured.session_state["structured.data"] = "digits"
    structured.run()
    structured.slider(key="structured.images.r").set_value(5).run()
    assert said(structured, "settings have changed")
    structured.slider(key="structured.images.r").set_value(16).run()
    assert not said(structured, "settings have changed")


def few(name, **more):
    return Experiment.from_dict(
        {"data": {"name": name}, "particles": 20, "steps": 3, "repeats": 1, "shown": 2, "decoded": 4, "moments": 2, **more}
    )


def test_a_link_to_kept_runs_fills_the_form_with_what_made_them(structured, store_folder):
    space = {
        "name": "curves",
        "r": 40,
        "kernel": "cosine",
        "noise": "matern",
        "smoothness": 0.0,
        "decoder": "fixed_point",
        "resolution": 40,
    }
    shared = {
        "data": {"name": "sines", "n": 60}, "space": space, "schedule": {"name": "cosine"}, "seed": 5,
    }  # fmt: skip
    methods = ({"name": "exact", "smoothing": 0.3}, {"name": "gaussian"})
    runs = [run(few("sines", **shared, method=m), "cpu") for m in methods]
    for r in runs:
        Store(store_folder).save(r)
    structured.query_params["runs"] = ",".join(r.experiment.key for r in runs)
    structured.run()
    assert not structured.exception
    assert structured.session_state["structured.data"] == "sines"
    assert structured.session_state["structured.shown"] == [r.experiment.key for r in runs]
    assert not said(structured, "settings have changed")
    assert structured.select_slider(key="structured.curves.resolution").value == 40
    structured.slider(key="structured.curves.r").set_value(5).run()
    assert said(structured, "settings have changed")


def test_what_a_link_names_in_vain_is_told_in_one_line(structured):
    for name, value in {"data": "no `such` set", "runs": "0123456789abcdef,../x", "r": "9999", "direction": "up"}.items():
        structured.query_params[name] = value
    structured.run()
    assert not structured.exception
    told = [c.value for c in structured.caption if "link names" in c.value]
    assert len(told) == 1
    for word in ("0123456789abcdef", "such", "more"):
        assert word in told[0]
    assert structured.session_state["structured.data"] == "communities"
    structured.session_state["structured.notes"] = []
    assert not said(structured.run(), "link names")


def test_the_command_names_the_store_only_where_it_is_not_the_default():
    assert command(["ab"], "backward", None) == "python -m rkdiff export ab --html scene.html"
    assert command(["ab"], "both", "my runs").endswith("--direction both --store 'my runs'")
    assert command(["ab"], "backward", "/somewhere/runs").endswith('--store "$RKDIFF_STORE"')


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0000124, "12 µs"), (0.0000031, "3.1 µs"), (0.0042, "4.2 ms"), (0.25, "250 ms"), (3.0, "3.0 s"), (0.0, "0.0 µs")],
)
def test_times_have_two_digits(seconds, text):
    assert duration(seconds) == text


def test_the_two_pages_keep_their_runs_and_data_apart(structured):
    structured.session_state["structured.data"] = "digits"
    structured.session_state["structured.problems"] = ["only here"]
    structured.run()
    assert structured.error[0].value == "only here"
    structured.session_state["structured.problems"] = ["still only here"]
    structured.switch_page("pages/playground.py").run()
    assert not structured.error
    assert structured.session_state["playground.data"] == "two_moons"
    assert structured.session_state["structured.data"] == "digits"


def test_noise_in_h_is_there_before_any_run(structured):
    structured.session_state["structured.tab"] = "Noise in H"
    structured.run()
    assert not structured.exception
    assert sum(c.value.count(" ") < 40 for c in structured.caption) == len(structured.caption)


def test_the_first_paint_loads_nothing_heavy():
    code = """
import sys
from streamlit.testing.v1 import AppTest
at = AppTest.from_file("app.py", default_timeout=60).run().switch_page("pages/structured.py").run()
assert not at.exception and at.title[0].value == "Structured"
print({"torch", "ot", "sklearn", "scipy", "sktime", "networkx", "rkdiff.plots.hilbert", "rkdiff.plots.structured"} & set(sys.modules))
"""
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert out.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("cls", SPACES, ids=lambda c: c.name)
def test_the_controls_in_sight_are_knobs_of_every_space(cls):
    seen = [k for k in knobs(cls) if k.name in IN_SIGHT]
    assert set(IN_SIGHT) - {"resolution"} <= {k.name for k in seen}
    for k in seen:
        assert read(k, "nan") is None
        assert read(k, "1e999") is None
        assert read(k, str(k.default)) == k.default


def test_a_ladder_climbs_within_its_bounds():
    k = next(k for k in knobs(SPACES[0]) if k.name == "width")
    steps = ladder(k)
    assert steps[0] == k.low
    assert steps[-1] == k.high
    assert k.default in steps
    ratios = np.array(steps[1:]) / np.array(steps[:-1])
    assert ((ratios > 1.2) & (ratios <= 2)).all()


def test_the_gram_matrix_is_sorted_by_class_then_by_the_first_coordinate():
    first, labels = np.array([3.0, 1.0, 2.0, 0.0]), np.array([1, 0, 1, 0])
    order, sizes = gram_order(first, labels)
    assert order.tolist() == [3, 1, 2, 0]
    assert sizes.tolist() == [2, 2]
    fig = gram_figure(np.eye(4)[np.ix_(order, order)], sizes.tolist(), ["a", "b"])
    assert fig.layout.xaxis.ticktext == ("a", "b")
    assert list(fig.layout.xaxis.tickvals) == [0.5, 2.5]
    assert len(fig.layout.shapes) == 2
    assert not gram_figure(np.eye(3)).layout.shapes


def test_shares_are_drawn_as_they_are_counted():
    valid = np.array([[True, False], [True, True]])
    line = validity_figure([("a", "model", np.array([0.0, 1.0]), valid)]).data[0]
    assert list(line.y) == [50.0, 100.0]
    bars = shares_figure([("a", "model", {"unique": 1.0, "valid": 0.5}, 4)]).data[0]
    assert list(bars.x) == ["valid", "unique"]
    assert list(bars.text) == ["2 of 4", "4 of 4"]
