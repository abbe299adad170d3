"""Transport: a sliced step against its sorts, learned flows, straightness, and bridges.

    python -m benchmarks transport --set only=step --seeds 3

Each section is measured in a file of its own (`benchmarks/_transport_<section>.py`, `rows` and `verdicts`); further `--set` options go to
the sections that know them. At the end every bar is listed with what was measured.
"""

from __future__ import annotations

from benchmarks._sections import Sections

SECTIONS = Sections("transport", ("step", "learned", "straightness", "bridges"))
rows, closing = SECTIONS.rows, SECTIONS.closing
