"""A scene as one HTML file: the same player, the scene inside as base64 text, no server and no network.

Every text of the scene travels inside the packed bytes and reaches the page as text, never as markup; the title and the caption, the only
words written into the HTML itself, are escaped. A content policy forbids the page every connection.
"""

from __future__ import annotations

import base64
import html
from typing import Any

from rkdiff.core.records import Scene

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{css}
body {{ margin: 0; background: #ffffff; color: #262a33; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14171c; color: #e8eaee; }} }}
main {{ max-width: 1280px; margin: 0 auto; padding: clamp(16px, 3vw, 40px); }}
.caption {{
  max-width: 70ch; margin: 20px 0 0; opacity: 0.75; line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}}
</style>
</head>
<body>
<main>
{player}
{caption}
</main>
<script type="text/plain" id="scene">{payload}</script>
<script type="module">
{js}
standAlone(document.querySelector(".rk"), document.getElementById("scene").textContent);
</script>
</body>
</html>
"""


def standalone(scene: Scene | bytes, caption: str = "", *, title: str = "", **packing: Any) -> str:
    """One HTML file that plays `scene` anywhere.

    Args:
        scene: a scene, or the bytes of a packed one.
        caption: a paragraph under the player.
        title: the title of the page; the scene's own where it is left out.
        packing: passed on to `pack`.

    Raises:
        ValueError: a scene that cannot be drawn.
    """
    from rkdiff.player import assets, pack
    from rkdiff.player.blob import split

    data = scene if isinstance(scene, bytes) else pack(scene, **packing)
    header, _ = split(data)
    parts = assets()
    name = title or header["title"] or " and ".join(p["title"] for p in header["panels"]) or "Scene"
    return _PAGE.format(
        policy=_POLICY,
        title=html.escape(name),
        css=parts.css,
        player=parts.html,
        caption=f'<p class="caption">{html.escape(caption)}</p>' if caption else "",
        payload=base64.b64encode(data).decode(),
        js=parts.js,
    )
