"""The dataset picker: a strip of moving thumbnails, and a chip for each kind of data that leads to its first one.

The strip holds all datasets, sorted by kind; a chip scrolls it to its kind and picks the first dataset there. Thumbnails move while one
points at them or they have the focus, and the chosen one always does; for those who asked for less motion all stand still.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.ui.session import ASSETS

#: Kinds of data in the order of their chips.
KINDS = {
    "points": "Plane", "graphs": "Graphs", "curves": "Curves", "strings": "Strings", "clouds": "Clouds", "tables": "Tables",
    "images": "Images",
}  # fmt: skip

HTML = """<div class="gallery">
<div class="kinds" role="tablist" aria-label="Kind of data"></div>
<div class="strip" role="radiogroup" aria-label="Dataset" id="strip"></div>
</div>"""
CSS = """
.gallery{display:flex;gap:14px;align-items:stretch;color:var(--st-text-color,#222);transition:color 1ms} /* its end tells a new theme */
.kinds{display:grid;flex:none;grid-auto-flow:column;grid-template-rows:repeat(var(--rows,4),24px);gap:4px;align-content:center}
.kinds:has(> :only-child){display:none}
.strip{display:flex;flex:1;min-width:0;gap:8px;overflow-x:auto;padding:3px 3px 6px;scroll-snap-type:x proximity;scrollbar-width:thin}
button{border:1px solid var(--st-border-color,#ddd);cursor:pointer;background:var(--st-background-color,#fff);
 color:var(--st-text-color,#222);font:500 11.5px/1.2 var(--st-font,sans-serif);text-align:center}
.kinds button{border-radius:12px;padding:0 10px;font-size:12px;white-space:nowrap}
.kinds button[aria-selected=true]{border-color:var(--st-primary-color);font-weight:650;
 background:color-mix(in srgb,var(--st-primary-color) 13%,var(--st-background-color,#fff))}
.strip button{display:flex;flex-direction:column;align-items:center;flex:0 0 auto;width:84px;padding:5px 5px 6px;border-radius:10px;
 scroll-snap-align:start}
.strip button.first{margin-left:10px}
.strip button.first:first-child{margin-left:0}
button:hover{border-color:var(--st-primary-color)}
button:focus-visible{outline:2px solid var(--st-primary-color);outline-offset:2px}
.strip button[aria-checked=true]{border-color:var(--st-primary-color);box-shadow:inset 0 0 0 1px var(--st-primary-color)}
img{display:block;width:60px;height:60px;margin:0 auto 3px;border-radius:6px;background:#fff}
img:not([src]){opacity:.08}
/* on a dark ground white becomes the ground and dark becomes light, in the same hues */
.dark img{background:none;filter:invert(1) hue-rotate(180deg);mix-blend-mode:screen}
@media (max-width:640px){
 .gallery{flex-direction:column;gap:6px}
 .kinds{display:flex;flex-wrap:wrap;gap:6px}
 .kinds button{min-height:34px;border-radius:17px;padding:0 12px}
}
"""
JS = """
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const made = (tag, more) => Object.assign(document.createElement(tag), more);

const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const brightness = colour => {
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
  return 0.3 * r + 0.59 * g + 0.11 * b;
};

export default function({parentElement, data, setTriggerValue}){
  const whole = parentElement.querySelector('.gallery');
  const strip = whole.querySelector('.strip'), kinds = whole.querySelector('.kinds');
  const tone = () => whole.classList.toggle('dark', brightness(getComputedStyle(whole).color) > 128); // light letters: a dark ground
  tone();
  const sign = JSON.stringify(data.items.map(i => i.name));
  if (strip.dataset.sign !== sign) {
    strip.dataset.sign = sign;
    const seen = new Set();
    strip.replaceChildren(...data.items.map(item => {
      const b = made('button', {type: 'button', role: 'radio', title: item.summary, item});
      b.dataset.name = item.name;
      b.classList.toggle('first', !seen.has(item.modality));
      seen.add(item.modality);
      b.append(made('img', {alt: '', draggable: false}), made('span', {textContent: item.title}));
      return b;
    }));
    kinds.style.setProperty('--rows', data.kinds.length > 4 ? Math.ceil(data.kinds.length / 2) : data.kinds.length);
    kinds.replaceChildren(...data.kinds.map(kind => {
      const b = made('button', {type: 'button', role: 'tab', textContent: kind.title, title: `Datasets: ${kind.title}`});
      b.setAttribute('aria-controls', 'strip');
      b.dataset.kind = kind.name;
      return b;
    }));
  }
  const buttons = [...strip.children], chips = [...kinds.children];
  let near = strip.querySelector('button:hover'); // the thumbnail one points at
  const move = () => buttons.forEach(b => {
    const lively = !calm.matches && b.item.moving && (b === near || b.matches(':focus-visible') || b.ariaChecked === 'true');
    const src = lively ? b.item.moving : b.item.image, img = b.firstChild;
    if (src && img.getAttribute('src') !== src) img.src = src;
    b.dataset.moving = Boolean(lively);
  });
  const show = (name, scroll) => {
    const chosen = buttons.find(b => b.dataset.name === name);
    buttons.forEach(b => { b.ariaChecked = String(b === chosen); b.tabIndex = b === (chosen ?? buttons[0]) ? 0 : -1; });
    const kind = chosen?.item.modality ?? chips[0]?.dataset.kind;
    chips.forEach(c => { c.ariaSelected = String(c.dataset.kind === kind); c.tabIndex = c.dataset.kind === kind ? 0 : -1; });
    if (chosen && scroll) reveal(chosen);
    move();
  };
  const reveal = chosen => { // as much of its kind as fits, and the chosen one whole
    const first = buttons.find(b => b.item.modality === chosen.item.modality), from = strip.getBoundingClientRect().left;
    const at = b => b.getBoundingClientRect().left - from + strip.scrollLeft;
    const end = at(chosen) + chosen.offsetWidth + 12 - strip.clientWidth;
    strip.scrollTo({left: Math.max(at(first) - 4, end), behavior: 'instant'});
  };
  const pick = (b, scroll) => { show(b.dataset.name, scroll); setTriggerValue('picked', b.dataset.name); };
  const kind = c => pick(buttons.find(b => b.item.modality === c.dataset.kind), true);
  show(data.current, strip.dataset.shown !== data.current && !buttons.some(b => b === strip.getRootNode().activeElement));
  strip.dataset.shown = data.current;
  const walk = (list, act) => e => {
    const at = list.indexOf(e.target.closest('button')), n = list.length;
    const to = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: n - 1}[e.key];
    if (to === undefined || at < 0) return;
    e.preventDefault();
    const next = list[(to + n) % n];
    act(next);
    next.focus();
  };
  strip.onclick = e => { const b = e.target.closest('button'); if (b) { b.focus(); pick(b, false); } };
  kinds.onclick = e => { const c = e.target.closest('button'); if (c && c.ariaSelected !== 'true') kind(c); };
  strip.onkeydown = walk(buttons, b => pick(b, false));
  kinds.onkeydown = walk(chips, kind);
  strip.onpointerover = e => { near = e.target.closest('button'); move(); };
  strip.onpointerleave = () => { near = null; move(); };
  strip.listening?.abort();
  const {signal} = strip.listening = new AbortController();
  for (const event of ['focusin', 'focusout']) strip.addEventListener(event, () => setTimeout(move), {signal});
  calm.addEventListener('change', move, {signal});
  whole.addEventListener('transitionend', e => e.target === whole && tone(), {signal});
  return () => signal.aborted || strip.listening.abort();
}
"""

_component = st.components.v2.component("rkdiff_gallery", html=HTML, css=CSS, js=JS)


#: What a kind shows first: the set that explains it best.
FIRST = ("two_moons", "communities", "sines", "grammar", "cloud_shapes", "penguins", "digits")


@cache
def items() -> list[dict[str, str]]:
    """Name, title, one-line summary, kind, still and moving picture of every dataset, sorted by kind."""
    out = []
    for name, cls in choices("data").items():
        files = {"image": (f"{name}.png", "png"), "moving": (f"{name}.webp", "webp")}
        pictures = {k: _inline(file, kind) for k, (file, kind) in files.items()}
        out.append({"name": name, "title": cls.title(), "summary": cls.summary(), "modality": cls.modality, **pictures})  # type: ignore[attr-defined]
    order = list(KINDS)
    known = [i for i in out if i["modality"] in KINDS]
    return sorted(known, key=lambda i: (order.index(i["modality"]), i["name"] not in FIRST, i["title"]))


def _inline(file: str, kind: str) -> str:
    path = ASSETS / "thumbnails" / file
    return f"data:image/{kind};base64," + base64.b64encode(path.read_bytes()).decode() if path.exists() else ""


def shown(kinds: Collection[str] | None = None) -> dict[str, Any]:
    """What the gallery of some modalities (None: all) draws: its items, and the kinds that have any."""
    some = [i for i in items() if kinds is None or i["modality"] in kinds]
    there = {i["modality"] for i in some}
    return {"items": some, "kinds": [{"name": k, "title": t} for k, t in KINDS.items() if k in there]}


def gallery(current: str, on_pick: Callable[[str], None], key: str = "gallery", kinds: Collection[str] | None = None) -> None:
    """Draw chips and strip; `on_pick` is called with the name before the page is drawn again.

    Args:
        current: name of the chosen dataset.
        key: identity of the gallery on the page.
        kinds: modalities to offer, such as ("graphs", "curves"); all of them when left out.
    """
    content = shown(kinds)

    def picked() -> None:
        name = getattr(st.session_state[key], "picked", None)
        if any(name == i["name"] for i in content["items"]):
            on_pick(str(name))

    _component(data={**content, "current": current}, key=key, on_picked_change=picked)
