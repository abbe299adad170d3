"""What every test shares: quiet threads, property profiles, a store of its own."""

import os

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("fast", max_examples=15, deadline=None, suppress_health_check=quiet, derandomize=True)
settings.register_profile("thorough", max_examples=300, deadline=None, suppress_health_check=quiet)
settings.load_profile(os.environ.get("RKDIFF_PROPERTIES", "fast"))


@pytest.fixture
def store_folder(tmp_path, monkeypatch):
    """A folder of kept runs that only this test sees."""
    monkeypatch.setenv("RKDIFF_STORE", str(tmp_path / "runs"))
    return tmp_path / "runs"
