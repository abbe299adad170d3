"""The stand-alone page: complete, closed to the network, and no text of a scene is ever markup."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import moving

from rkdiff.player import assets, pack, standalone

EVIL = '</script><img src=x onerror="alert(1)">'


def test_the_page_carries_the_packed_scene_and_the_whole_player() -> None:
    scene = moving.scene()
    page = standalone(scene, "A caption.", frames=20)
    payload = re.search(r'id="scene">([^<]+)<', page)
    assert payload
    assert base64.b64decode(payload[1]) == pack(scene, frames=20)
    assert page == standalone(pack(scene, frames=20), "A caption.")
    assert assets().js in page
    assert assets().css in page
    assert "<title>Method 1 and Method 2</title>" in page
    assert "A caption." in page


def test_the_page_names_no_other_host_and_forbids_every_connection() -> None:
    page = standalone(moving.scene())
    assert not re.search(r"(src|href)=[\"']?(https?:)?//|@import|\bfetch\(|XMLHttpRequest|WebSocket", page)
    assert "default-src 'none'" in page


def test_no_text_of_a_scene_becomes_markup() -> None:
    scene = moving.scene(title=EVIL)
    scene = replace(scene, panels=tuple(replace(p, title=EVIL, notes=(EVIL,)) for p in scene.panels), axes=(EVIL, EVIL))
    page = standalone(scene, EVIL, classes=(EVIL,))
    assert EVIL not in page
    assert "<img" not in page
    assert page.count("</script>") == 2


def test_the_player_never_writes_markup_and_imports_nothing() -> None:
    js = assets().js
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|^import ", js, re.M)
    assert js.count("export default") == 1
