"""The player: a Scene becomes bytes, and bytes become a moving picture in any browser.

`pack(scene)` writes one run of bytes. `assets()` hands over the player as three texts, HTML, CSS and one JavaScript module without
dependencies, for whoever mounts it; `standalone(scene)` is a single HTML file that plays with no server and no network. The module's files
in `js/` are read in the order of their names and joined.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from rkdiff.player.scene import LAYERS, first_panels, pack, unpack

_HERE = Path(__file__).parent


class Assets(NamedTuple):
    """The player as texts."""

    html: str
    css: str
    js: str


@cache
def assets() -> Assets:
    """HTML fragment, style sheet and JavaScript module of the player."""
    script = "\n".join(p.read_text(encoding="utf-8") for p in sorted((_HERE / "js").glob("*.js")))
    html, css = ((_HERE / f"player.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    return Assets(html, css, script)


def standalone(*args: object, **kwargs: object) -> str:
    """One HTML file that plays a scene; see `rkdiff.player.html.standalone`."""
    from rkdiff.player.html import standalone as write

    return write(*args, **kwargs)  # type: ignore[arg-type]


__all__ = ["LAYERS", "Assets", "assets", "first_panels", "pack", "standalone", "unpack"]
