// The renderer: the still things once per size and theme, the moving things once per frame.

const TRAIL = 12; // stored frames a trail looks back
const STRIDE = 3; // stored frames to a piece of trail
const WORK = 20000; // pieces of trail a frame may draw
const FAINT = 0.02; // an opacity nobody sees

class Renderer {
  constructor(canvas) {
    this.canvas = canvas;
    this.ctx = canvas.getContext("2d", { willReadFrequently: true });
    this.heads = [];
    this.backs = [];
  }

  /** Lay out a scene for a width; paints what does not move. */
  prepare(scene, theme, width, room, layers) {
    const pixel = Math.min(2, Math.max(1, window.devicePixelRatio || 1));
    const plan = layout(scene, width, room, this.ctx, theme, layers);
    Object.assign(this, { scene, theme, plan, pixel, layers });
    const [w, h] = [Math.round(plan.width * pixel), Math.round(plan.height * pixel)];
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    this.canvas.style.height = `${plan.height}px`;
    const { box } = plan.cells[0];
    const size = [Math.round(box.width * pixel), Math.round(box.height * pixel)];
    if (this.raster?.width !== size[0] || this.raster?.height !== size[1] || this.raster?.pixel !== pixel) {
      this.raster = new Raster(size[0], size[1], pixel);
    }
    this.middle = [size[0] / 2, size[1] / 2];
    this.by = plan.scale * pixel;
    this.groups = new Map();
    this.backs = scene.panels.map((panel) => paintGround(this, panel));
    paintTitles(this);
  }

  /** Particles of one look together: a class each, or all of them. */
  looks(panel, cloud) {
    if (this.groups.has(cloud)) return this.groups.get(cloud);
    const { theme, plan, pixel } = this;
    const room = Math.sqrt((plan.cells[0].box.width * plan.cells[0].box.height) / Math.max(1, cloud.n));
    const sorted = new Map();
    for (let i = 0; i < cloud.n; i++) {
      const c = cloud.labels ? cloud.labels.data[i] : 255;
      if (!sorted.has(c)) sorted.set(c, []);
      sorted.get(c).push(i);
    }
    const radius = Math.min(4, Math.max(1.3, room * 0.17)) * (cloud.labels ? 1.2 : 1);
    const out = [...sorted].map(([c, members]) => ({
      of: Int32Array.from(members),
      colour: c === 255 ? theme.hue(panel.hue) : theme.ofClass(c),
      sprite: this.raster.sprite(c === 255 ? "circle" : shapeOf(c), Math.round(radius * pixel * 4) / 4),
    }));
    this.groups.set(cloud, out);
    return out;
  }

  /** Positions of a cloud in device pixels of its box. */
  project(places, n) {
    const [mx, my] = this.middle;
    for (let i = 0; i < 2 * n; i += 2) {
      places[i] = mx + places[i];
      places[i + 1] = my - places[i + 1];
    }
    return places;
  }

  head(i, at) {
    const cloud = cloudOf(this.scene.panels[i], at);
    if (this.heads[i]?.length !== cloud.n * 2) this.heads[i] = new Float32Array(cloud.n * 2);
    return this.project(placeBetween(cloud, at.frame, this.by, this.heads[i]), cloud.n);
  }

  trails(i, at, looks, pieces) {
    const cloud = cloudOf(this.scene.panels[i], at);
    const size = cloud.n * 2;
    if (this.near?.length !== size) [this.near, this.far] = [new Float32Array(size), new Float32Array(size)];
    const last = this.scene.frames - 1;
    let [from, to] = [this.near, this.far];
    from.set(this.heads[i]);
    const knot = at.sign > 0 ? Math.ceil(at.frame / STRIDE) - 1 : Math.floor(at.frame / STRIDE) + 1;
    for (let k = 0, frame = knot * STRIDE; k < pieces && frame >= 0 && frame <= last; k++, frame -= STRIDE * at.sign) {
      this.project(placeAt(cloud, frame, this.by, to), cloud.n);
      const age = Math.min(1, Math.abs(at.frame - frame) / (STRIDE * pieces + 1));
      const opacity = 0.48 * (1 - age) ** 1.5;
      if (opacity < FAINT) break;
      for (const { of, colour } of looks) this.raster.lines(from, to, of, colour, opacity);
      [from, to] = [to, from];
    }
  }

  /** Data coordinates to device pixels within a box. */
  toBox(x, y) {
    const [x0, x1, y0, y1] = this.scene.view;
    return [this.middle[0] + (x - (x0 + x1) / 2) * this.by, this.middle[1] - (y - (y0 + y1) / 2) * this.by];
  }

  /** A point of the canvas (CSS pixels) in the coordinates of a panel. */
  fromBox(i, x, y) {
    const [x0, x1, y0, y1] = this.scene.view;
    const { box } = this.plan.cells[i];
    const [px, py] = [(x - box.x) * this.pixel - this.middle[0], (y - box.y) * this.pixel - this.middle[1]];
    return [(x0 + x1) / 2 + px / this.by, (y0 + y1) / 2 - py / this.by];
  }

  /** One frame: everything that moves. `from` are earlier heads to come from, `mix` how far they have come. */
  draw(state, from, mix) {
    const { scene, plan, raster, ctx, pixel } = this;
    const at = moment(scene, state.t);
    const total = scene.panels.reduce((sum, p) => sum + cloudOf(p, at).n, 0);
    const pieces = Math.max(3, Math.min(TRAIL / STRIDE, Math.floor(WORK / Math.max(1, total))));
    scene.panels.forEach((panel, i) => {
      const cell = plan.cells[i];
      const looks = this.looks(panel, cloudOf(panel, at));
      const heads = this.head(i, at);
      const old = from?.[i];
      if (old?.length === heads.length) for (let k = 0; k < heads.length; k++) heads[k] = old[k] + (heads[k] - old[k]) * mix;
      raster.buffer.set(this.backs[i]);
      if (panel.arrows && state.layers.arrows) drawArrows(this, panel.arrows, at);
      drawDirections(this, i, at, state);
      if (state.layers.trails && scene.frames > 1) this.trails(i, at, looks, pieces);
      for (const { of, colour, sprite } of looks) raster.stamp(heads, of, sprite, colour, 0.86);
      ctx.putImageData(raster.image, Math.round(cell.box.x * pixel), Math.round(cell.box.y * pixel));
      nameAxes(this, cell.box);
      drawSlices(this, i, at, state);
      overlay(this, i, at, state);
      this.sketch?.paint(this, i);
      const words = [...(this.sketch?.words(i) ?? []), ...(state.layers.links ? pullWords(linked(panel, at, state)) : [])];
      readout(ctx, cloudOf(panel, at), cell.box, at, this.theme, words);
      drawSliceStrip(this, i, at, state);
      if (cell.tiles) drawStrip(ctx, panel, cell.tiles, at, this.theme, state);
    });
    return at;
  }

  /** The particle nearest to a point of the canvas (CSS pixels), with its panel, or null. */
  find(x, y, within = 14) {
    const { plan, heads, pixel } = this;
    const i = plan.cells.findIndex(({ box }) => x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height);
    if (i < 0 || !heads[i]) return this.findTile(x, y);
    const { box } = plan.cells[i];
    const [px, py] = [(x - box.x) * pixel, (y - box.y) * pixel];
    let [best, found] = [(within * pixel) ** 2, null];
    for (let k = 0; k < heads[i].length; k += 2) {
      const d = (heads[i][k] - px) ** 2 + (heads[i][k + 1] - py) ** 2;
      if (d < best) [best, found] = [d, k / 2];
    }
    return found;
  }

  findTile(x, y) {
    for (const [i, { tiles }] of this.plan.cells.entries()) {
      if (!tiles) continue;
      const [column, row] = [Math.floor((x - tiles.x) / (tiles.wide + TILE)), Math.floor((y - tiles.y - LINE.label) / tiles.step)];
      const k = row * tiles.columns + column;
      if (column >= 0 && row >= 0 && column < tiles.columns) return this.scene.panels[i].objects.particles[k] ?? null;
    }
    return null;
  }
}
