// The renderer: the still things once per size and theme, the moving things once per frame.

const SYMBOLS = { t: "t", tau: "τ", sigma: "σ", logsnr: "log-SNR", alpha: "α", nu: "ν" };
const ORDER = ["t", "tau", "sigma", "logsnr", "nu", "alpha"];
const TRAIL = 12; // stored frames a trail looks back
const STRIDE = 2; // stored frames to a piece of trail
const WORK = 24000; // pieces of trail a frame may draw

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
    const plan = layout(scene, width, room, this.ctx, theme);
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
    this.backs = scene.panels.map((panel) => this.still(panel));
    this.frameOnce();
  }

  /** The ground of a panel: plot, density and target points, as pixels. */
  still(panel) {
    const { theme, pixel, raster } = this;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: raster.width, height: raster.height });
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    ctx.fillStyle = css(theme.ground);
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.beginPath();
    ctx.roundRect(0, 0, canvas.width, canvas.height, 8 * pixel);
    ctx.save();
    ctx.clip();
    ctx.fillStyle = css(theme.plot);
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    if (panel.density && this.layers.density) this.shade(ctx, panel.density);
    if (panel.target && this.layers.target) this.dots(ctx, panel.target);
    ctx.restore();
    ctx.beginPath();
    ctx.roundRect(0.5 * pixel, 0.5 * pixel, canvas.width - pixel, canvas.height - pixel, 7.5 * pixel);
    ctx.strokeStyle = css(theme.hairline);
    ctx.lineWidth = pixel;
    ctx.stroke();
    this.nameAxes(ctx, canvas);
    return new Uint32Array(ctx.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  }

  shade(ctx, { tone, extent }) {
    const [h, w] = tone.shape;
    const small = document.createElement("canvas");
    Object.assign(small, { width: w, height: h });
    const image = new ImageData(w, h);
    const [r, g, b] = this.theme.truth;
    const most = this.theme.name === "dark" ? 0.42 : 0.34;
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) image.data.set([r, g, b, tone.data[(h - 1 - y) * w + x] * most], 4 * (y * w + x));
    }
    small.getContext("2d").putImageData(image, 0, 0);
    const [left, top] = this.toBox(extent[0], extent[3]);
    const [right, bottom] = this.toBox(extent[1], extent[2]);
    ctx.imageSmoothingQuality = "high";
    ctx.drawImage(small, left, top, right - left, bottom - top);
  }

  dots(ctx, target) {
    const r = this.pixel * 1.1;
    ctx.fillStyle = css(this.theme.text, Math.min(0.5, Math.max(0.18, 90 / Math.sqrt(target.shape[0] * 40))));
    const step = target.scale * this.by;
    ctx.beginPath();
    for (let i = 0; i < target.shape[0]; i++) {
      const x = this.middle[0] + target.data[2 * i] * step;
      const y = this.middle[1] - target.data[2 * i + 1] * step;
      ctx.moveTo(x + r, y);
      ctx.arc(x, y, r, 0, 2 * Math.PI);
    }
    ctx.fill();
  }

  nameAxes(ctx, canvas) {
    const [x, y] = this.scene.axes;
    ctx.fillStyle = css(this.theme.muted, 0.9);
    ctx.font = `400 ${11 * this.pixel}px ${this.theme.font}`;
    const pad = 9 * this.pixel;
    ctx.textAlign = "right";
    if (x) ctx.fillText(`${x} →`, canvas.width - pad, canvas.height - pad);
    ctx.textAlign = "left";
    if (y) ctx.fillText(`↑ ${y}`, pad, pad + 8 * this.pixel);
  }

  /** Data coordinates to device pixels within a box. */
  toBox(x, y) {
    const [x0, x1, y0, y1] = this.scene.view;
    return [this.middle[0] + (x - (x0 + x1) / 2) * this.by, this.middle[1] - (y - (y0 + y1) / 2) * this.by];
  }

  /** Titles, notes and legend. */
  frameOnce() {
    const { ctx, scene, theme, plan, pixel } = this;
    ctx.setTransform(pixel, 0, 0, pixel, 0, 0);
    ctx.clearRect(0, 0, plan.width, plan.height);
    ctx.textBaseline = "alphabetic";
    ctx.textAlign = "left";
    if (scene.title) {
      ctx.font = `600 17px ${theme.font}`;
      ctx.fillStyle = css(theme.text);
      ctx.fillText(fitting(ctx, scene.title, plan.width), 0, 17);
    }
    for (const e of plan.top.entries) {
      trace(ctx, shapeOf(e.c), e.x + 6, e.y + 12, 4.2);
      ctx.fillStyle = css(theme.ofClass(e.c));
      ctx.fill();
      ctx.font = `400 13px ${theme.font}`;
      ctx.fillStyle = css(theme.text);
      ctx.fillText(e.name, e.x + 18, e.y + 16.5);
    }
    scene.panels.forEach((panel, i) => {
      const { title, lines } = plan.cells[i];
      ctx.fillStyle = css(theme.hue(panel.hue));
      ctx.beginPath();
      ctx.roundRect(title.x, title.y + 4, 10, 10, 3);
      ctx.fill();
      ctx.font = `600 15px ${theme.font}`;
      if (ctx.measureText(panel.title).width > title.width - 18) ctx.font = `600 13px ${theme.font}`;
      ctx.fillStyle = css(theme.text);
      ctx.fillText(fitting(ctx, panel.title, title.width - 18), title.x + 17, title.y + 14);
      ctx.font = `400 12.5px ${theme.font}`;
      ctx.fillStyle = css(theme.muted);
      lines.forEach((line, j) => ctx.fillText(line, title.x, title.y + LINE.title + 10 + j * LINE.note));
    });
  }

  /** Particles of one look together: a class each, or all of them. */
  looks(panel, cloud) {
    const key = cloud;
    if (this.groups.has(key)) return this.groups.get(key);
    const { theme, plan, pixel } = this;
    const room = Math.sqrt((plan.cells[0].box.width * plan.cells[0].box.height) / Math.max(1, cloud.n));
    const sorted = new Map();
    for (let i = 0; i < cloud.n; i++) {
      const c = cloud.labels ? cloud.labels.data[i] : 255;
      if (!sorted.has(c)) sorted.set(c, []);
      sorted.get(c).push(i);
    }
    const radius = Math.min(4, Math.max(1.3, room * 0.19)) * (cloud.labels ? 1.2 : 1);
    const out = [...sorted].map(([c, members]) => ({
      of: Int32Array.from(members),
      colour: c === 255 ? theme.hue(panel.hue) : theme.ofClass(c),
      sprite: this.raster.sprite(c === 255 ? "circle" : shapeOf(c), Math.round(radius * pixel * 4) / 4),
    }));
    this.groups.set(key, out);
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
      for (const { of, colour } of looks) this.raster.lines(from, to, of, colour, opacity);
      [from, to] = [to, from];
    }
  }

  arrows({ u, at, v }, when) {
    const { raster, theme, middle, by, pixel } = this;
    const [a, b, w] = bracket(u, when.u);
    const g = at.shape[0];
    const spacing = Math.sqrt((raster.width * raster.height) / Math.max(1, g));
    v.reach ??= Math.max(1e-12, ...v.scale.map((s) => s * 32767)) * 0.6;
    const [red, green, blue] = blend(theme.plot, theme.text, 0.55);
    for (let i = 0; i < g; i++) {
      const vx = v.data[2 * (a * g + i)] * v.scale[a] * (1 - w) + v.data[2 * (b * g + i)] * v.scale[b] * w;
      const vy = v.data[2 * (a * g + i) + 1] * v.scale[a] * (1 - w) + v.data[2 * (b * g + i) + 1] * v.scale[b] * w;
      const speed = Math.hypot(vx, vy);
      const size = 0.85 * spacing * Math.min(1, Math.sqrt(speed / v.reach));
      if (size < 1.5 * pixel) continue;
      const [cx, cy] = [(vx / speed) * size, (-vy / speed) * size];
      const x = middle[0] + at.data[2 * i] * at.scale * by - cx / 2;
      const y = middle[1] - at.data[2 * i + 1] * at.scale * by - cy / 2;
      const ends = [[x, y, x + cx, y + cy]];
      for (const turn of [0.42, -0.42]) {
        const tip = Math.min(0.34 * size, 5 * pixel) / size;
        const dx = (cx * Math.cos(turn) - cy * Math.sin(turn)) * tip;
        const dy = (cx * Math.sin(turn) + cy * Math.cos(turn)) * tip;
        ends.push([x + cx, y + cy, x + cx - dx, y + cy - dy]);
      }
      for (const [x0, y0, x1, y1] of ends) raster.line(x0, y0, x1, y1, (blue << 16) | red, green << 8, 200);
    }
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
      if (panel.arrows && state.layers.arrows) this.arrows(panel.arrows, at);
      if (state.layers.trails && scene.frames > 1) this.trails(i, at, looks, pieces);
      for (const { of, colour, sprite } of looks) raster.stamp(heads, of, sprite, colour, 0.86);
      ctx.putImageData(raster.image, Math.round(cell.box.x * pixel), Math.round(cell.box.y * pixel));
      this.overlay(i, at, state);
      readout(ctx, panel, cloudOf(panel, at), cell.box, at, this.theme);
      if (cell.tiles) drawStrip(ctx, panel, cell.tiles, at.u, this.theme, state.follow);
    });
    return at;
  }

  /** Rings, numbers and the whole path of the followed particle. */
  overlay(i, at, state) {
    const { ctx, scene, plan, theme, pixel, heads } = this;
    const { box } = plan.cells[i];
    const panel = scene.panels[i];
    const marked = panel.objects?.particles ?? [];
    if (!marked.length && state.follow === null && state.hover === null) return;
    ctx.save();
    ctx.beginPath();
    ctx.roundRect(box.x, box.y, box.width, box.height, 8);
    ctx.clip();
    const spot = (k) => [box.x + heads[i][2 * k] / pixel, box.y + heads[i][2 * k + 1] / pixel];
    const n = cloudOf(panel, at).n;
    if (state.follow !== null && state.follow < n) this.path(panel, at, state.follow, box);
    marked.forEach((particle, k) => {
      if (particle >= n || (at.key === "forward" && panel.forward)) return;
      const [x, y] = spot(particle);
      ctx.beginPath();
      ctx.arc(x, y, 4, 0, 2 * Math.PI);
      ctx.strokeStyle = css(theme.text);
      ctx.lineWidth = 1.4;
      ctx.stroke();
      badge(ctx, k + 1, x + 10, y - 10, theme, theme.hue(panel.hue));
    });
    for (const [k, width, r] of [[state.hover, 1.2, 6.5], [state.follow, 2.2, 7.5]]) {
      if (k === null || k >= n) continue;
      const [x, y] = spot(k);
      for (const [colour, extra] of [[theme.ground, 2], [theme.text, 0]]) {
        ctx.beginPath();
        ctx.arc(x, y, r, 0, 2 * Math.PI);
        ctx.strokeStyle = css(colour, extra ? 0.8 : 1);
        ctx.lineWidth = width + extra;
        ctx.stroke();
      }
    }
    ctx.restore();
  }

  path(panel, at, k, box) {
    const { ctx, theme, middle, by, pixel, scene } = this;
    const { positions, n } = cloudOf(panel, at);
    const point = (f) => {
      const s = positions.scale[f] * by;
      const x = middle[0] + positions.data[(f * n + k) * 2] * s;
      const y = middle[1] - positions.data[(f * n + k) * 2 + 1] * s;
      return [box.x + x / pixel, box.y + y / pixel];
    };
    ctx.beginPath();
    for (let f = 0; f < scene.frames; f++) ctx[f ? "lineTo" : "moveTo"](...point(f));
    ctx.lineJoin = "round";
    for (const [colour, width] of [[css(theme.ground, 0.75), 4.5], [css(theme.text, 0.9), 1.6]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width;
      ctx.stroke();
    }
    const [x, y] = point(0);
    ctx.beginPath();
    ctx.arc(x, y, 3.5, 0, 2 * Math.PI);
    ctx.fillStyle = css(theme.ground);
    ctx.fill();
    ctx.lineWidth = 1.6;
    ctx.stroke();
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
      const [column, row] = [Math.floor((x - tiles.x) / (tiles.side + TILE)), Math.floor((y - tiles.y - LINE.label) / tiles.step)];
      const k = row * tiles.columns + column;
      if (column >= 0 && row >= 0 && column < tiles.columns) return this.scene.panels[i].objects.particles[k] ?? null;
    }
    return null;
  }
}

/** Three digits that mean something, with a real minus sign. */
function figure(value) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.0995 || size < 5e-4 ? 2 : 3);
  return (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

/** The physical coordinates under a panel; every digit has a place of its own, so nothing shakes. */
function readout(ctx, panel, cloud, box, at, theme) {
  const y = box.y + box.height + 18;
  ctx.clearRect(box.x - 2, y - 14, box.width + 4, 20);
  const known = Object.keys(cloud.curves);
  const names = [...ORDER.filter((n) => known.includes(n)), ...known.filter((n) => !ORDER.includes(n))];
  let x = box.x + 1;
  for (const name of names) {
    ctx.font = `400 12.5px ${theme.font}`;
    const label = SYMBOLS[name] ?? name;
    const wide = ctx.measureText(label).width;
    const digit = ctx.measureText("0").width;
    const value = figure(curveAt(cloud.curves[name], at.frame));
    const end = x + wide + 5 + digit * 4.45;
    if (end > box.x + box.width) break;
    ctx.fillStyle = css(theme.muted);
    ctx.textAlign = "left";
    ctx.fillText(label, x, y);
    ctx.fillStyle = css(theme.text);
    ctx.textAlign = "center";
    let right = end;
    for (let i = value.length - 1; i >= 0; i--) {
      const room = value[i] === "." ? digit * 0.45 : digit;
      ctx.fillText(value[i], right - room / 2, y);
      right -= room;
    }
    x = end + 16;
  }
  ctx.textAlign = "right";
  ctx.font = `400 12.5px ${theme.font}`;
  const size = `${cloud.n.toLocaleString("en")} particles`;
  ctx.fillStyle = css(theme.muted);
  if (x + ctx.measureText(size).width < box.x + box.width) ctx.fillText(size, box.x + box.width, y);
  ctx.textAlign = "left";
}
