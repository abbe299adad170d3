"""The dataset picker: a strip of thumbnails one can click, scroll and walk through with the arrow keys."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.ui.session import ASSETS

HTML = '<div class="strip" role="radiogroup" aria-label="Dataset"></div>'
CSS = """
.strip{display:flex;gap:8px;overflow-x:auto;padding:3px 3px 6px;scroll-snap-type:x proximity;scrollbar-width:thin}
button{flex:0 0 auto;width:84px;padding:5px 5px 6px;border:1px solid var(--st-border-color,#ddd);border-radius:10px;cursor:pointer;
 background:var(--st-background-color,#fff);color:var(--st-text-color,#222);
 font:500 11.5px/1.2 var(--st-font,sans-serif);scroll-snap-align:start;text-align:center}
button:hover{border-color:var(--st-primary-color)}
button:focus-visible{outline:2px solid var(--st-primary-color);outline-offset:2px}
button[aria-checked=true]{border-color:var(--st-primary-color);box-shadow:inset 0 0 0 1px var(--st-primary-color)}
img{display:block;width:60px;height:60px;margin:0 auto 3px;border-radius:6px;background:#fff}
"""
JS = """
export default function({parentElement, data, setTriggerValue}){
  const strip = parentElement.querySelector('.strip');
  const sign = JSON.stringify(data.items.map(i => i.name));
  if (strip.dataset.sign !== sign) {
    strip.dataset.sign = sign;
    strip.replaceChildren(...data.items.map(item => {
      const b = document.createElement('button'), img = document.createElement('img'), name = document.createElement('span');
      b.type = 'button'; b.role = 'radio'; b.dataset.name = item.name; b.title = item.summary;
      img.src = item.image; img.alt = ''; name.textContent = item.title;
      b.append(img, name);
      return b;
    }));
  }
  const buttons = [...strip.children];
  const show = (name, scroll) => buttons.forEach(b => {
    const on = b.dataset.name === name;
    b.setAttribute('aria-checked', on); b.tabIndex = on ? 0 : -1;
    if (on && scroll) strip.scrollTo({left: b.offsetLeft - strip.clientWidth / 2 + b.offsetWidth / 2});
  });
  const pick = b => { show(b.dataset.name, false); b.focus(); setTriggerValue('picked', b.dataset.name); };
  show(data.current, strip.dataset.shown !== data.current);
  strip.dataset.shown = data.current;
  strip.onclick = e => { const b = e.target.closest('button'); if (b) pick(b); };
  strip.onkeydown = e => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[e.key];
    const at = buttons.indexOf(e.target.closest('button'));
    if (!step || at < 0) return;
    e.preventDefault();
    pick(buttons[(at + step + buttons.length) % buttons.length]);
  };
}
"""

_component = st.components.v2.component("rkdiff_gallery", html=HTML, css=CSS, js=JS)


@cache
def items() -> list[dict[str, str]]:
    """Name, title, one-line summary and picture of every dataset."""
    out = []
    for name, cls in choices("data").items():
        picture = ASSETS / "thumbnails" / f"{name}.png"
        image = "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode() if picture.exists() else ""
        out.append({"name": name, "title": cls.title(), "summary": cls.summary(), "image": image, "modality": cls.modality})  # type: ignore[attr-defined]
    order = {"points": 0, "graphs": 1, "curves": 2, "images": 3}
    return sorted(out, key=lambda i: (order.get(i["modality"], 9), i["name"] != "two_moons"))


def gallery(current: str, on_pick: Callable[[str], None], key: str = "gallery") -> None:
    """Draw the strip; `on_pick` is called with the name before the page is drawn again."""

    def picked() -> None:
        name = getattr(st.session_state[key], "picked", None)
        if name in choices("data"):
            on_pick(str(name))

    _component(data={"items": items(), "current": current}, key=key, on_picked_change=picked)
