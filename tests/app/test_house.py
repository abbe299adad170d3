"""The house keeps its promises: README runs, the app's process stays light, what ships is complete, nothing leaks."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rkdiff.core.parts import choices
from rkdiff.core.rng import Rng
from rkdiff.player.scene import unpack

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "sklearn", "scipy", "ot", "sktime"}


def blocks(name):
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), flags=re.DOTALL)


def test_the_readme_runs(capsys):
    scope = {}
    for block in blocks("README.md"):
        exec(block, scope)
    assert "value" in capsys.readouterr().out
    assert scope["page"].lstrip().lower().startswith("<!doctype html>")


def test_the_recipes_of_contributing_work():
    from rkdiff import Experiment, make, run
    from rkdiff.core import parts

    try:
        scope = {"__name__": "recipes"}
        for block in blocks("CONTRIBUTING.md"):
            exec(block, scope)
        r = run(Experiment(make("data", "circle", n=60), make("method", "mean"), particles=10, steps=3, repeats=1), "cpu")
        assert abs(r.arrays["x"][-1]).max() < 0.5
    finally:
        parts._registry["data"].pop("circle", None)
        parts._registry["method"].pop("mean", None)


@pytest.mark.parametrize(
    "module", ["rkdiff", "rkdiff.experiment", "rkdiff.scenes", "rkdiff.jobs", "rkdiff.ui.live", "rkdiff.ui.panels"]
)
def test_the_app_process_imports_nothing_heavy(module):
    code = f"import {module}, sys; print(','.join({HEAVY!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""


def test_listing_every_part_imports_nothing_heavy():
    code = "import sys; from rkdiff.core.parts import HOMES, choices; [choices(k) for k in HOMES]; "
    code += f"print(','.join({HEAVY!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""


@pytest.mark.parametrize("name", choices("data"))
def test_every_dataset_ships_a_thumbnail_and_a_moving_scene(name):
    assert (ROOT / "assets" / "thumbnails" / f"{name}.png").stat().st_size > 500
    header = unpack((ROOT / "assets" / "scenes" / f"{name}.rkscene").read_bytes())
    assert header["panels"]


@pytest.mark.parametrize("name", choices("data"))
def test_every_dataset_is_the_same_for_the_same_seed(name):
    source = choices("data")[name]()
    a, b, c = source.make(Rng(1)), source.make(Rng(1)), source.make(Rng(2))
    assert a.train.tobytes() == b.train.tobytes()
    assert a.held_out.tobytes() == b.held_out.tobytes()
    assert a.train.tobytes() != c.train.tobytes()
    assert a.modality == source.modality


def test_nothing_is_unpickled_and_no_host_is_called():
    for path in [*ROOT.glob("rkdiff/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"]:
        text = path.read_text()
        assert not re.search(r"\bpickle\b.*load|torch\.load\(|allow_pickle=True", text), path
        assert not re.search(r"requests\.|urlopen|httpx|socket\.create_connection", text), path


def test_pinned_requirements_match_what_runs_here():
    from importlib.metadata import version

    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if "==" in line:
            name, wanted = line.split("==")
            assert version(name).split("+")[0] == wanted, name


def test_the_server_is_private_quiet_and_asks_for_nothing():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["address"] == "localhost"
    assert config["server"]["enableXsrfProtection"]
    assert config["server"]["maxUploadSize"] <= 5
    assert not config["server"]["showEmailPrompt"]
    assert not config["browser"]["gatherUsageStats"]
    assert config["logger"]["hideWelcomeMessage"]  # else developer tools are offered over the page
    assert not config["runner"]["postScriptGC"]
    assert set(config["theme"]) == {"light", "dark"}  # a bare [theme] would switch the dark one off
