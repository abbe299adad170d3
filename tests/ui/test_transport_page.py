"""The Transport page from forms to figures, without a browser."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from rkdiff.assets import RACES, race
from rkdiff.core.parts import choices, make
from rkdiff.core.records import outcome
from rkdiff.experiment import Experiment, samplers_for
from rkdiff.samplers import start
from rkdiff.stages import prepare, run, sample, train
from rkdiff.store import Store
from rkdiff.ui.live import carries
from rkdiff.ui.transport_compose import LATEST, moment, tau_of
from rkdiff.ui.transport_counter import MIXTURE, on_the_line, quantile
from rkdiff.ui.transport_entropy import EPS, TOLERANCE, solved
from rkdiff.ui.transport_measured import MATCHINGS, offered
from rkdiff.ui.transport_racers import FEWEST, FIRST, MOST, calls_of, first_race, firsts

ROOT = Path(__file__).resolve().parents[2]
TABS = ("Race", "Short bridges", "Straightness and calls", "Entropy", "Learned flow", "Compose", "Not optimal transport")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One server for the module, with a store and a worker of its own: a worker takes seconds to start."""
    import streamlit as st

    folder = tmp_path_factory.mktemp("transport") / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RKDIFF_STORE", str(folder))
        st.cache_resource.clear()
        st.cache_data.clear()
        yield folder
        from rkdiff.ui.session import jobs

        jobs().close()
        st.cache_resource.clear()
        st.cache_data.clear()


@pytest.fixture
def transport(store):
    """The page in a session of its own, not drawn yet."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/transport.py")


def said(at, words):
    """Whether a caption of the page holds these words."""
    return any(words in c.value for c in at.caption)


def few(name, method, **more):
    described = {"data": {"name": name, "n": 60}, "method": method, "particles": 20, "steps": 3, "repeats": 1}
    return Experiment.from_dict({**described, **more})


def test_the_page_opens_with_every_dataset_and_asks_for_what_ships(transport):
    transport.session_state["transport.tab"] = "Race"
    for name in choices("data"):
        transport.session_state["transport.data"] = name
        transport.run()
        assert not transport.exception, name
        assert not transport.error, name
        assert not said(transport, "settings have changed"), name
        assert said(transport, "On the stage: kernel diffusion on this data, not yet the racers") == (name not in RACES), name


def test_every_tab_opens_before_any_run_and_says_when_its_figures_come(transport):
    for tab in TABS:
        transport.session_state["transport.tab"] = tab
        transport.run()
        assert not transport.exception, tab
        assert not transport.error, tab
        assert said(transport, "appear") == (tab not in ("Entropy", "Not optimal transport")), tab
        assert bool(transport.get("plotly_chart")) == (tab in ("Short bridges", "Entropy", "Not optimal transport")), tab
    transport.session_state["transport.data"] = "communities"
    for tab in ("Entropy", "Compose", "Straightness and calls"):
        transport.session_state["transport.tab"] = tab
        transport.run()
        assert not transport.exception, tab
        assert not transport.get("plotly_chart"), tab


def test_two_to_four_racers_join_and_leave(transport):
    transport.run()
    assert len([s for s in transport.selectbox if s.label.startswith("Racer")]) == 3
    transport.button(key="transport.add").click().run()
    assert transport.session_state["transport.address"]["racers"] == str(MOST)
    assert [b.label for b in transport.button].count("Add") == 0
    for _ in range(MOST - FEWEST):
        transport.button(key="transport.remove").click().run()
    assert [b.label for b in transport.button].count("Remove") == 0
    assert len([s for s in transport.selectbox if s.label.startswith("Racer")]) == FEWEST
    assert not transport.exception


def test_a_link_names_racers_and_what_it_names_in_vain_is_told_in_one_line(transport):
    words = {"data": "rings", "racers": "2", "racer1": "gaussian", "racer0": "a `bad` one", "runs": "0123456789abcdef,../x"}
    for name, value in words.items():
        transport.query_params[name] = value
    transport.run()
    assert not transport.exception
    told = [c.value for c in transport.caption if "link names" in c.value]
    assert len(told) == 1
    assert "0123456789abcdef" in told[0]
    assert transport.session_state["transport.data"] == "rings"
    assert transport.selectbox(key="transport.racer1").value == "gaussian"
    assert transport.selectbox(key="transport.racer0").value == FIRST[0]
    assert transport.session_state["transport.address"]["racers"] == "2"


def test_a_link_opens_a_tab_and_asks_for_nothing_until_somebody_touches_it(transport):
    words = {"data": "rings", "racers": "2", "racer0": "exact", "racer1": "gaussian", "tab": "not-optimal-transport"}
    for name, value in words.items():
        transport.query_params[name] = value
    transport.run()
    assert not transport.exception
    assert not said(transport, "settings have changed")
    assert not said(transport, "link names")
    assert said(transport, "not yet the racers")
    assert transport.session_state["transport.address"]["tab"] == "not-optimal-transport"
    transport.button(key="transport.add").click().run()
    assert said(transport, "settings have changed")


def test_the_open_tab_is_found_again_and_one_that_there_is_not_is_told(transport):
    transport.query_params["tab"] = "a-tab"
    transport.run()
    assert [c.value for c in transport.caption if "`tab=a-tab`" in c.value]
    assert "tab" not in transport.session_state["transport.address"]
    transport.session_state["transport.tab"] = "Entropy"
    transport.run()
    assert transport.session_state["transport.address"]["tab"] == "entropy"
    transport.switch_page("pages/structured.py").run()
    transport.switch_page("pages/transport.py").run()
    assert transport.session_state["transport.address"]["tab"] == "entropy"
    assert not transport.exception


def test_clouds_are_drawn_only_where_a_flow_carries_them():
    quick = choices("method")["learned_sliced_flow"].quick
    flow = run(few("two_moons", {"name": "learned_sliced_flow", **quick}), "cpu")
    other = run(few("two_moons", {"name": "exact"}), "cpu")
    apart = replace(flow, experiment=few("sines", {"name": "learned_sliced_flow", **quick}))
    assert [carries(r) for r in (flow, other, apart)] == [True, False, False]
    horizon = flow.experiment.method.tau_max
    assert [tau_of(flow, at) for at in (0.0, 1.0)] == pytest.approx([0.0, horizon])


def test_a_link_to_kept_runs_fills_the_racers_with_what_made_them(transport, store):
    methods = [{"name": "sliced_wasserstein_flow", "entropy": 0.1, "tau_max": 7.0}, {"name": "exact", "smoothing": 0.3}]
    runs = [run(few("rings", m, steps=6, seed=5), "cpu") for m in methods]
    for r in runs:
        Store(store).save(r)
    keys = [r.experiment.key for r in runs]
    transport.query_params["runs"] = ",".join(keys)
    transport.run()
    assert not transport.exception
    assert transport.session_state["transport.shown"] == keys
    assert not said(transport, "settings have changed")
    assert said(transport, "6 model calls")
    transport.slider(key="transport.panel0.sliced_wasserstein_flow.entropy").set_value(0.2).run()
    assert said(transport, "settings have changed")
    assert said(transport, "press Run")


def test_the_race_tab_and_the_plan_of_structured_data_come_with_a_run(transport, store):
    r = run(few("sines", {"name": "sliced_wasserstein_flow"}, shown=2, decoded=4, moments=2), "cpu")
    Store(store).save(r)
    transport.session_state["transport.data"] = "sines"
    transport.session_state["transport.shown"] = [r.experiment.key]
    for tab, charts in (("Race", 1), ("Entropy", 2)):
        transport.session_state["transport.tab"] = tab
        transport.run()
        assert not transport.exception, tab
        assert len(transport.get("plotly_chart")) >= charts, tab


def test_a_cloud_that_was_drawn_is_carried_on_by_a_job(transport, store):
    from rkdiff.ui.stage import Drawn

    quick = choices("method")["learned_sliced_flow"].quick
    r = run(few("two_moons", {"name": "learned_sliced_flow", **quick}), "cpu")
    other = run(few("two_moons", {"name": "exact"}), "cpu")
    for kept in (other, r):
        Store(store).save(kept)
    transport.session_state["transport.shown"] = [other.experiment.key, r.experiment.key]
    transport.session_state["transport.tab"] = "Compose"
    transport.run()
    assert said(transport, "Draw")
    drawn = Drawn(np.zeros((5, 2)), 0.25, 0)
    payload = {
        "run": r.experiment.key,
        "cloud": drawn.points.tolist(),
        "at": moment(drawn.t, "backward"),
        "frames": 48,
        "calls": 4,
    }
    from rkdiff.lab.transport.push import pushed

    walked = pushed(r, payload, "cpu")
    from rkdiff.core.parts import digest
    from rkdiff.ui.schedule_data import keep

    keep(("push", digest(payload)), walked)
    mark = (drawn.points.tobytes(), drawn.t, drawn.panel)
    transport.session_state["transport.drawn"] = drawn
    transport.session_state["transport.drawn_mark"] = mark
    transport.session_state["transport.tab"] = "Compose"
    from rkdiff.ui import live

    still, live.stage = live.stage, lambda scene, key: type("State", (), {"drawn": drawn})()
    try:
        transport.run()
    finally:
        live.stage = still
    assert not transport.exception
    assert not said(transport, "on its way")
    assert said(transport, f"Drawn on Exact; carried by Learned sliced flow, from its τ = {tau_of(r, 0.25):.3g}")
    assert any("rkdiff transport push" in c.value for c in transport.code)
    assert len(transport.get("bidi_component")) >= 2


def test_a_walk_over_three_laws_is_shown_with_its_error_and_floor(transport):
    from rkdiff.core.parts import digest
    from rkdiff.lab.transport.simplex import simplex
    from rkdiff.ui.schedule_data import keep

    transport.run()
    laws = [make("data", "two_moons"), make("data", "checkerboard")]
    path = [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]
    payload = {"data": ["noise", *(law.to_dict() for law in laws)], "path": path, "particles": 600, "seed": 0}
    payload["data"][2] = {"name": "checkerboard"}
    walked = outcome(simplex([None, *laws], path, particles=600, iterations=10)).to_dict()
    keep(("simplex", digest(payload)), walked)
    transport.session_state["transport.tab"] = "Compose"
    before = len(transport.get("bidi_component"))
    transport.run()
    assert not transport.exception
    assert len(transport.get("bidi_component")) == before + 1
    transport.slider(key="transport.weight1").set_value(0)
    transport.slider(key="transport.weight2").set_value(0).run()
    assert said(transport, "at least one law a weight")


def test_the_stages_clock_is_the_flows_in_every_direction():
    assert moment(0.3, "backward") == 0.3
    assert moment(0.3, "forward") == 0.7
    assert moment(0.25, "both") == 0.5
    assert moment(0.75, "both") == 0.5
    assert moment(1.0, "backward") == LATEST < 1


def test_entropy_needs_the_sampler_of_drifts_and_gets_it(transport):
    transport.run()
    assert transport.select_slider(key="transport.panel1.sampler.flow_map.calls").value == 4
    transport.slider(key="transport.panel1.learned_sliced_flow.entropy").set_value(0.1).run()
    assert not transport.exception
    assert not transport.error
    assert transport.select_slider(key="transport.panel1.steps.learned_sliced_flow").value == 40


@pytest.mark.parametrize(
    "method", ["sliced_wasserstein_flow", "learned_sliced_flow", "flow_matching", "light_schrodinger_bridge", "exact"]
)
def test_calls_are_told_beforehand_as_they_will_be_counted(method):
    quick = choices("method")[method].quick
    for sampler in samplers_for(choices("method")[method]):
        for steps in (1, 5):
            e = few("two_moons", {"name": method, **quick}, sampler={"name": sampler}, steps=steps)
            if not (told := calls_of(e)):
                continue
            p = prepare(replace(e, particles=4), "cpu")
            model, _ = outcome(train(p))
            assert outcome(sample(p, model, p.rng)).calls == told, sampler


def test_what_ships_is_the_race_of_a_first_visit():
    for name in RACES:
        assert (ROOT / "assets" / "scenes" / f"transport_{name}.rkscene").stat().st_size > 10_000
        assert [e.method for e in race(name)] == [e.method for e in first_race(name)]
        assert [e.sampler for e in race(name)] == [e.sampler for e in first_race(name)]
    assert len(set(firsts())) == MOST


def test_what_can_be_compared_holds_every_racer_once():
    racers = [few("rings", {"name": m}) for m in ("exact", "flow_matching", "exact")]
    listed = offered(racers)
    assert set(MATCHINGS) < set(listed)
    assert list(listed.values()).count(make("method", "exact").to_dict()) == 1
    assert list(listed.values()).count(make("method", "flow_matching").to_dict()) == 1


def test_the_first_paint_loads_nothing_heavy():
    code = """
import sys
from streamlit.testing.v1 import AppTest
at = AppTest.from_file("app.py", default_timeout=60).run().switch_page("pages/transport.py").run()
assert not at.exception and at.title[0].value == "Transport"
for tab in ("Not optimal transport", "Entropy", "Learned flow", "Straightness and calls"):
    at.session_state["transport.tab"] = tab
    assert not at.run().exception
print({"torch", "ot", "sklearn"} & set(sys.modules))
"""
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert out.stdout.splitlines()[-1] == "set()"


# -- the numbers that the page makes itself --


def test_entropy_goes_from_one_partner_to_all():
    numbers = np.random.default_rng(0)
    x, y = numbers.standard_normal((30, 2)), numbers.standard_normal((30, 2)) + [2.0, 0.0]
    found = [solved(x, y, eps) for eps in EPS]
    assert found[0].partners == pytest.approx(1.0, abs=1e-9)
    assert found[-1].partners == pytest.approx(30.0)
    assert found[-1].cost == pytest.approx(((x[:, None] - y) ** 2).sum(axis=2).mean())
    assert (np.diff([p.cost for p in found]) > -1e-6).all()
    assert (np.diff([p.partners for p in found]) > -1e-6).all()
    assert all(p.error < TOLERANCE for p, eps in zip(found, EPS, strict=True) if eps >= 0.1 and not math.isinf(eps))
    for p in found:
        np.testing.assert_allclose(p.plan.sum(axis=1), 1 / 30, atol=1e-6)


def test_on_the_line_three_flows_are_one_map():
    line = on_the_line()
    assert len(line.flows) == 3
    assert line.gap < 1e-3
    assert (np.diff(line.monotone) > 0).all()


def test_quantiles_invert_the_distribution_function():
    from scipy.stats import norm

    u = np.linspace(0.01, 0.99, 21)
    w, m, s = MIXTURE
    back = sum(wk * norm.cdf(quantile(u), mk, sk) for wk, mk, sk in zip(w, m, s, strict=True))
    np.testing.assert_allclose(back, u, atol=1e-12)


def test_the_start_of_the_race_is_the_same_for_every_racer():
    a, b = (prepare(few("rings", {"name": m}), "cpu") for m in ("sliced_wasserstein_flow", "exact"))
    first = [start("sobol", 8, p.space.dim, p.rng.child("prior")) for p in (a, b)]
    np.testing.assert_array_equal(*first)
