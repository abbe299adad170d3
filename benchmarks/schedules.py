"""Schedules: advised placements, quality against calls, the split of errors, and dragging a knot.

    python -m benchmarks schedules --set only=advice,quality --seeds 5

Each section is measured in a file of its own (`benchmarks/_schedules_<section>.py`, `rows` and `verdicts`); further `--set` options go to
the sections that know them. At the end every bar is listed with what was measured.
"""

from __future__ import annotations

from benchmarks._sections import Sections

SECTIONS = Sections("schedules", ("advice", "quality", "split", "drag"))
rows, closing = SECTIONS.rows, SECTIONS.closing
