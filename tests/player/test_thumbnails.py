"""Thumbnails: every dataset ships a still and a moving one, and every kind of data can be drawn."""

from __future__ import annotations

import io
from pathlib import Path

import moving
import numpy as np
import pytest
from PIL import Image

from rkdiff.core.parts import choices
from rkdiff.core.records import Dataset
from rkdiff.thumbnails import LIMIT, MOVING, STILL, animate, cloud_frames, frames, look_of, still

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "thumbnails"
KINDS = ("graphs", "curves", "strings", "clouds", "tables", "images")


def columns(kind: str) -> tuple:
    return moving.COLUMNS if kind == "tables" else ()


@pytest.mark.parametrize("name", choices("data"))
def test_every_dataset_ships_a_still_and_a_small_moving_thumbnail(name):
    with Image.open(FOLDER / f"{name}.png") as resting:
        assert resting.size == (STILL, STILL)
    data = (FOLDER / f"{name}.webp").read_bytes()
    assert 500 < len(data) <= 15_000
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (MOVING, MOVING)
    assert picture.n_frames >= 4
    assert picture.info["loop"] == 0  # for ever
    shown = []
    for i in range(picture.n_frames):
        picture.seek(i)
        shown.append(np.asarray(picture.convert("L"), float))
    assert max(np.abs(a - shown[0]).max() for a in shown[1:]) > 40  # it does move


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_still_and_a_moving_picture(kind):
    values = moving.values(kind, 8, 12)
    picture = still(Dataset("x", kind, values[-1], values[-1], meta={"columns": list(columns(kind))}))
    assert picture.size == (STILL, STILL)
    assert np.asarray(picture.convert("L")).std() > 5
    made = animate(frames(values, look_of(kind, values, columns(kind))))
    assert len(made) <= LIMIT
    assert Image.open(io.BytesIO(made)).n_frames >= 8
    assert made == animate(frames(values, look_of(kind, values, columns(kind))))


def test_points_move_from_the_noise_to_the_data_and_begin_at_the_data():
    pictures = cloud_frames(moving.straight(60, labels=True))
    made = Image.open(io.BytesIO(animate(pictures)))
    first = np.asarray(made.convert("L"), float)
    distance = [np.abs(first - np.asarray(p.convert("L"), float)).mean() for p in (pictures[0], pictures[-1])]
    assert distance[1] < 0.5 * distance[0]


@pytest.mark.parametrize("kind", KINDS)
def test_constant_objects_and_empty_ones_are_drawn(kind):
    values = np.zeros_like(moving.values(kind, 2, 3))
    pictures = frames(values, look_of(kind, values, columns(kind)))
    assert len(pictures) == 3
