// A cloud drawn by hand: pressing and dragging sprays points on a panel. The page hears of it once, when the pointer is let go.

const SPRAY = { most: 1500, rate: 40, apart: 6 }; // points; a second; CSS pixels of path for one more

/** Radii of the brush and of a drawn point, in CSS pixels: smaller in a small panel. */
const brushOf = ({ width }) => [Math.min(20, Math.max(12, width / 14)), Math.min(3.1, Math.max(2, width / 110))];

class Sketch {
  constructor(player) {
    Object.assign(this, { player, on: false, strokes: [], active: null, at: null });
  }

  get count() {
    return this.strokes.reduce((sum, s) => sum + s.points.length, 0);
  }

  /** Take the brush, or put it away; the clock stops, what is drawn stays. */
  take(on) {
    this.on = on;
    this.end();
    this.at = null;
    if (on) this.player.rest();
    this.player.draw();
    this.player.changed();
  }

  /** The panel at a point of the canvas, or -1. */
  panelAt([x, y]) {
    const inside = ({ box }) => x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;
    return this.player.renderer.plan?.cells.findIndex(inside) ?? -1;
  }

  /** Begin a stroke; one on another panel begins another cloud. */
  begin(place) {
    const panel = this.panelAt(place);
    if (panel < 0 || this.active) return false;
    if (this.strokes.length && this.strokes[0].panel !== panel) this.strokes = [];
    this.player.rest();
    this.active = { panel, t: this.player.t, points: [] };
    this.strokes.push(this.active);
    Object.assign(this, { at: place, last: place, owed: 4, now: performance.now() });
    this.pour();
    this.loop();
    return true;
  }

  /** The brush is at a place; points fall along the way there. */
  move(place) {
    this.at = this.active || this.panelAt(place) >= 0 ? place : null;
    if (this.active) this.pour();
    this.player.draw();
  }

  /** As many points as time and way have earned, each at a random place of the soft brush between the last place and this one. */
  pour() {
    const { renderer } = this.player;
    const now = performance.now();
    const way = Math.hypot(this.at[0] - this.last[0], this.at[1] - this.last[1]);
    this.owed += Math.min(0.1, (now - this.now) / 1000) * SPRAY.rate + way / SPRAY.apart;
    const count = Math.floor(this.owed);
    this.owed -= count;
    const [brush] = brushOf(renderer.plan.cells[this.active.panel].box);
    for (let k = 0, room = SPRAY.most - this.count; k < count && room > 0; k++) {
      const share = Math.random();
      const [r, a] = [brush * 0.5 * Math.sqrt(-2 * Math.log(1 - Math.random())), 2 * Math.PI * Math.random()];
      const x = this.last[0] + (this.at[0] - this.last[0]) * share + r * Math.cos(a);
      const y = this.last[1] + (this.at[1] - this.last[1]) * share + r * Math.sin(a);
      if (this.panelAt([x, y]) !== this.active.panel) continue;
      this.active.points.push(renderer.fromBox(this.active.panel, x, y).map((v) => Math.round(v * 1000) / 1000));
      room--;
    }
    Object.assign(this, { last: this.at, now });
  }

  loop() {
    if (!this.active) return;
    requestAnimationFrame(() => {
      if (!this.active) return;
      this.pour();
      this.player.draw();
      this.loop();
    });
  }

  /** The pointer is let go. */
  end() {
    if (!this.active) return;
    const { points } = this.active;
    this.active = null;
    if (!points.length) this.strokes.pop();
    this.tell();
  }

  undo() {
    if (this.strokes.pop()) this.tell();
  }

  clear() {
    if (!this.strokes.length) return;
    this.strokes = [];
    this.tell();
  }

  tell() {
    const last = this.strokes.at(-1);
    this.player.draw();
    this.player.changed();
    this.player.reportDrawn(last ? { points: this.strokes.flatMap((s) => s.points), t: last.t, panel: last.panel } : null);
  }

  /** A new scene: what was drawn stays where its panel does. */
  fit(scene) {
    const stays = this.strokes.every((s) => s.panel < scene.panels.length);
    if (!stays) [this.strokes, this.active] = [[], null];
    if (!scene.drawing) Object.assign(this, { on: false, active: null, at: null });
  }

  /** The drawn points of a panel, and the brush over it. */
  paint(renderer, i) {
    const { ctx, scene, theme, plan } = renderer;
    const { box } = plan.cells[i];
    const mine = this.strokes.length && this.strokes[0].panel === i;
    const brush = this.on && this.at && this.panelAt(this.at) === i;
    if (!scene.drawing || !(mine || brush)) return;
    const [radius, dot] = brushOf(box);
    ctx.save();
    ctx.beginPath();
    ctx.roundRect(box.x, box.y, box.width, box.height, 8);
    ctx.clip();
    if (mine) {
      ctx.beginPath();
      for (const { points } of this.strokes) {
        for (const [px, py] of points) {
          const [x, y] = renderer.toBox(px, py);
          const [left, top] = [box.x + x / renderer.pixel, box.y + y / renderer.pixel];
          ctx.moveTo(left + dot, top);
          ctx.arc(left, top, dot, 0, 2 * Math.PI);
        }
      }
      ctx.strokeStyle = css(theme.text);
      ctx.lineWidth = 0.8 * dot;
      ctx.stroke();
      ctx.fillStyle = css(theme.hue(scene.panels[i].hue));
      ctx.fill();
    }
    if (brush) {
      ctx.beginPath();
      ctx.arc(...this.at, radius, 0, 2 * Math.PI);
      ctx.strokeStyle = css(theme.text, 0.65);
      ctx.lineWidth = 1.2;
      ctx.stroke();
    }
    ctx.restore();
  }

  /** How much of the paint is used, for the read-out. */
  words(i) {
    if (!this.on || this.strokes[0]?.panel !== i) return [];
    const n = this.count.toLocaleString("en");
    return [`${n} of ${SPRAY.most.toLocaleString("en")} points drawn`, `${n} drawn`];
  }
}

/** Pointer events of the canvas while the brush is taken; true where the brush used the event. */
function sketchControl(player, on) {
  const { canvas, sketch } = player;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  on(canvas, "pointerdown", (event) => {
    if (!sketch.on || event.button !== 0 || !event.isPrimary || !sketch.begin(place(event))) return;
    canvas.setPointerCapture?.(event.pointerId);
  });
  on(canvas, "pointermove", (event) => {
    if (!sketch.on || !event.isPrimary) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const step of sketch.active && all.length ? all : [event]) sketch.move(place(step));
  });
  for (const name of ["pointerup", "pointercancel"]) on(canvas, name, () => sketch.end());
  on(canvas, "pointerleave", () => {
    if (sketch.active || !sketch.at) return;
    sketch.at = null;
    player.draw();
  });
}
