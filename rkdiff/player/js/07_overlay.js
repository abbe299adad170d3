// What moves with the cloud: arrows under it, numbers, rings and paths over it, the read-out below.

const SYMBOLS = { t: "t", tau: "τ", sigma: "σ", logsnr: "log-SNR", alpha: "α", nu: "ν" };
const ORDER = ["t", "tau", "sigma", "logsnr", "nu", "alpha"];

/** The velocity on its grid at the present moment; longer is faster. */
function drawArrows({ raster, theme, middle, by, pixel }, { u, at, v }, when) {
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

/** Rings, numbers and the whole path of the followed particle. */
function overlay(renderer, i, at, state) {
  const { ctx, scene, plan, theme, pixel, heads, middle, by } = renderer;
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
  if (state.follow !== null && state.follow < n) path({ ctx, theme, pixel, middle, by }, cloudOf(panel, at), state.follow, box);
  if (state.layers.links) drawLinks(renderer, i, at, state);
  marked.forEach((particle, k) => {
    if (particle >= n || foreign(panel, at)) return;
    const [x, y] = spot(particle);
    ctx.beginPath();
    ctx.arc(x, y, 4, 0, 2 * Math.PI);
    ctx.strokeStyle = css(theme.text);
    ctx.lineWidth = 1.4;
    ctx.stroke();
    badge(ctx, k + 1, ...beside(x, y, box), theme, theme.hue(panel.hue));
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
  drawCard(renderer, i, at, state);
  ctx.restore();
}

/** Where the number of a particle stands: above at its right, below or at its left near the frame, and always within it. */
function beside(x, y, box) {
  const within = (v, low, size) => Math.min(low + size - 10, Math.max(low + 10, v));
  const right = x + 20 < box.x + box.width;
  const above = y - 20 > box.y;
  return [within(right ? x + 10 : x - 10, box.x, box.width), within(above ? y - 10 : y + 10, box.y, box.height)];
}

function path({ ctx, theme, pixel, middle, by }, { positions, n }, k, box) {
  const point = (f) => {
    const s = positions.scale[f] * by;
    const x = middle[0] + positions.data[(f * n + k) * 2] * s;
    const y = middle[1] - positions.data[(f * n + k) * 2 + 1] * s;
    return [box.x + x / pixel, box.y + y / pixel];
  };
  ctx.beginPath();
  for (let f = 0; f < positions.scale.length; f++) ctx[f ? "lineTo" : "moveTo"](...point(f));
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

/** Three digits that mean something, with a real minus sign. */
function figure(value) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.0995 || size < 5e-4 ? 2 : 3);
  return (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

/** The physical coordinates under a panel; every digit has a place of its own, so nothing shakes. `words` are to be said at the right. */
function readout(ctx, cloud, box, at, theme, words) {
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
    const end = x + wide + 7 + digit * 4.45;
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
  ctx.fillStyle = css(words.length ? theme.text : theme.muted);
  const said = [...words, `${cloud.n.toLocaleString("en")} particles`].find((w) => x + ctx.measureText(w).width < box.x + box.width);
  if (said) ctx.fillText(said, box.x + box.width, y);
  ctx.textAlign = "left";
}
