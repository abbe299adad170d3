// Slices: the directions of a sliced flow. One of them is chosen; along it the cloud and the data are sorted numbers, matched rank by rank.

const SLICE = { strip: 88, side: 10, ring: 13, reach: 16 }; // CSS pixels: height of the strip, half a ladder, inset and catch of the dial

/** Refuse slices whose arrays do not belong together; a wrong one would be drawn as if it were right. */
function checkSlices({ u, theta, source, later, target }) {
  const [A, L, q] = source.shape;
  const fits = theta.shape.join() === [A, L, 2].join() && [later, target].every((a) => a.shape.join() === source.shape.join());
  const rising = u.every((v, i) => Number.isFinite(v) && (i === 0 || v > u[i - 1]));
  if (u.length !== A || !fits || !rising || !(A * L >= 1) || !(q >= 2)) throw new Error("its slices do not fit each other");
}

/** Which stored moment holds at u, and how far the clock is on its way to the next one. */
function sliceMoment({ u }, now) {
  let a = 0;
  while (a < u.length - 1 && u[a + 1] <= now + 1e-6) a++;
  const end = a < u.length - 1 ? u[a + 1] : 1;
  return [a, end > u[a] ? Math.min(1, Math.max(0, (now - u[a]) / (end - u[a]))) : 0];
}

/** The part of direction k in the plane at moment a: [x, y, length, angle in 0..pi]. */
function direction({ theta }, a, k) {
  const p = 2 * (a * theta.shape[1] + k);
  const [x, y] = [theta.data[p] * theta.scale, theta.data[p + 1] * theta.scale];
  return [x, y, Math.hypot(x, y), (Math.atan2(y, x) + 2 * Math.PI) % Math.PI];
}

/** The direction nearest to an angle; a line has no front, so angles count modulo pi. */
function nearestDirection(slices, a, angle) {
  let [best, found] = [Infinity, 0];
  for (let k = 0; k < slices.theta.shape[1]; k++) {
    const gap = Math.abs(direction(slices, a, k)[3] - angle) % Math.PI;
    const off = Math.min(gap, Math.PI - gap);
    if (off < best) [best, found] = [off, k];
  }
  return found;
}

/** The sorted numbers of the cloud and of the data along direction k, into two lists that are used again. */
function sortedPairs(slices, a, w, k) {
  const { source, later, target } = slices;
  const q = source.shape[2];
  slices.pairs ??= { s: new Float64Array(q), t: new Float64Array(q) };
  const { s, t } = slices.pairs;
  for (let j = 0, p = (a * source.shape[1] + k) * q; j < q; j++, p++) {
    s[j] = source.data[p] * source.scale * (1 - w) + later.data[p] * later.scale * w;
    t[j] = target.data[p] * target.scale;
  }
  return slices.pairs;
}

/** What is chosen in a panel at a moment of the clock: the moment, the direction, its pairs; null where there is nothing to choose. */
function chosenSlice(panel, at, state) {
  if (!panel.slices || !state.layers.slices || foreign(panel, at)) return null;
  const [a, w] = sliceMoment(panel.slices, at.u);
  const k = nearestDirection(panel.slices, a, state.sliceHover ?? state.slice);
  const [, , length, angle] = direction(panel.slices, a, k);
  return { a, k, angle, whole: length > 0.999, of: panel.slices.theta.shape[1], ...sortedPairs(panel.slices, a, w, k) };
}

/** How far a place on the chosen line is from its match: between the ranks, the gaps are interpolated. */
function gapAt({ s, t }, at) {
  const q = s.length;
  if (at <= s[0]) return t[0] - s[0];
  for (let j = 1; j < q; j++) {
    if (at > s[j]) continue;
    const w = s[j] > s[j - 1] ? (at - s[j - 1]) / (s[j] - s[j - 1]) : 1;
    return (t[j - 1] - s[j - 1]) * (1 - w) + (t[j] - s[j]) * w;
  }
  return t[q - 1] - s[q - 1];
}

/** The root mean square of the gaps: the Wasserstein distance along this direction. */
function distanceAlong({ s, t }) {
  let sum = 0;
  for (let j = 0; j < s.length; j++) sum += (t[j] - s[j]) ** 2;
  return Math.sqrt(sum / s.length);
}

/** Middle and radius of the dial: the circle on which every direction has a knob. */
const dialOf = (box) => [box.x + box.width / 2, box.y + box.height / 2, Math.min(box.width, box.height) / 2 - SLICE.ring];

/** The angle of the direction a point of the canvas asks for, or null away from the dials. */
function dialAngle({ plan, scene }, x, y, within) {
  const i = plan.cells.findIndex(({ box }) => x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height);
  if (i < 0 || !scene.panels[i].slices) return null;
  const [cx, cy, r] = dialOf(plan.cells[i].box);
  if (Math.abs(Math.hypot(x - cx, y - cy) - r) > within) return null;
  return (Math.atan2(cy - y, x - cx) + 2 * Math.PI) % Math.PI;
}

/** Faint lines of all directions through the middle of the view, under the cloud. */
function drawDirections({ raster, theme, scene, middle, pixel }, i, at, state) {
  const chosen = chosenSlice(scene.panels[i], at, state);
  if (!chosen) return;
  const far = Math.hypot(...middle);
  const [red, green, blue] = theme.text;
  for (let k = 0; k < chosen.of; k++) {
    const [x, y, length] = direction(scene.panels[i].slices, chosen.a, k);
    if (k === chosen.k || length < 1e-6) continue;
    const [dx, dy] = [(x / length) * far, (y / length) * far];
    raster.line(middle[0] - dx, middle[1] + dy, middle[0] + dx, middle[1] - dy, (blue << 16) | red, green << 8, 28 + 16 * pixel);
  }
}

/** The dial, and the chosen direction with its matching as a ladder. */
function drawSlices(renderer, i, at, state) {
  const { ctx, scene, plan, theme, pixel } = renderer;
  const panel = scene.panels[i];
  const chosen = chosenSlice(panel, at, state);
  if (!chosen) return;
  const { box } = plan.cells[i];
  const [cx, cy, r] = dialOf(box);
  const far = Math.hypot(box.width, box.height) / 2;
  ctx.save();
  ctx.beginPath();
  ctx.roundRect(box.x, box.y, box.width, box.height, 8);
  ctx.clip();
  drawLadder(renderer, i, chosen, far);
  const knobs = (pick, radius, fill, rim) => {
    ctx.beginPath();
    for (let k = 0; k < chosen.of; k++) {
      const [x, y, length] = direction(panel.slices, chosen.a, k);
      if ((k === chosen.k) !== pick || length < 1e-6) continue;
      const [px, py] = [cx + (x / length) * r, cy - (y / length) * r];
      ctx.moveTo(px + radius, py);
      ctx.arc(px, py, radius, 0, 2 * Math.PI);
    }
    ctx.fillStyle = fill;
    ctx.fill();
    ctx.strokeStyle = rim;
    ctx.lineWidth = 1.2;
    ctx.stroke();
  };
  const small = box.width < 260 ? 0.75 : 1;
  knobs(false, 3 * small, css(theme.plot), css(theme.muted));
  knobs(true, 5.5 * small, css(theme.hue(panel.hue)), css(theme.plot));
  if (state.follow !== null && state.follow < cloudOf(panel, at).n) drawPull(renderer, i, chosen, state.follow, pixel);
  ctx.restore();
}

/** Where the number s of the chosen line stands in the panel (CSS pixels): s theta, moved across the line to the view's middle. */
function onLine({ scene, plan, by, pixel }, i, { a, k }) {
  const [x, y, length] = direction(scene.panels[i].slices, a, k);
  if (length < 1e-6) return null;
  const [x0, x1, y0, y1] = scene.view;
  const [cx, cy] = dialOf(plan.cells[i].box);
  const shift = (x * (x0 + x1) + y * (y0 + y1)) / 2 / length;
  const unit = by / pixel;
  const along = (s) => (s * length - shift) * unit;
  return { spot: (s) => [cx + (x / length) * along(s), cy - (y / length) * along(s)], across: [y / length, x / length], x, y, length };
}

function drawLadder(renderer, i, chosen, far) {
  const { ctx, scene, theme } = renderer;
  const place = onLine(renderer, i, chosen);
  if (!place) return;
  const { s, t } = chosen;
  const [nx, ny] = place.across.map((v) => v * -SLICE.side);
  const hue = theme.hue(scene.panels[i].hue);
  const last = s.length - 1;
  ctx.beginPath();
  ctx.moveTo(...place.spot(Math.min(s[0], t[0])));
  ctx.lineTo(...place.spot(Math.max(s[last], t[last])));
  ctx.lineCap = "round";
  ctx.strokeStyle = css(theme.plot, 0.86);
  ctx.lineWidth = 2 * SLICE.side + 10;
  ctx.stroke();
  ctx.lineCap = "butt";
  const [cx, cy] = dialOf(renderer.plan.cells[i].box);
  const [dx, dy] = [(place.x / place.length) * far, (place.y / place.length) * far];
  ctx.beginPath();
  ctx.moveTo(cx - dx, cy + dy);
  ctx.lineTo(cx + dx, cy - dy);
  ctx.strokeStyle = css(theme.text, 0.5);
  ctx.lineWidth = 1.2;
  ctx.stroke();
  ctx.beginPath();
  for (let j = 0; j <= last; j++) {
    const [[sx, sy], [tx, ty]] = [place.spot(s[j]), place.spot(t[j])];
    ctx.moveTo(sx + nx, sy + ny);
    ctx.lineTo(tx - nx, ty - ny);
  }
  ctx.strokeStyle = css(theme.text, 0.5);
  ctx.lineWidth = 1;
  ctx.stroke();
  const { width } = renderer.plan.cells[i].box;
  beads(ctx, s, place.spot, [nx, ny], hue, width);
  beads(ctx, t, place.spot, [-nx, -ny], theme.truth, width);
}

/** A bead for each number of a list, to the side of its spot; smaller in a small panel, where they stand closer. */
function beads(ctx, list, spot, [dx, dy], colour, width) {
  const r = Math.min(2.6, Math.max(1.5, width / 150));
  ctx.beginPath();
  for (const v of list) {
    const [x, y] = spot(v);
    ctx.moveTo(x + dx + r, y + dy);
    ctx.arc(x + dx, y + dy, r, 0, 2 * Math.PI);
  }
  ctx.fillStyle = css(colour, 0.92);
  ctx.fill();
}

/** The pull of the chosen direction on the followed particle, theta times its gap; drawn where the whole direction lies in the plane. */
function drawPull(renderer, i, chosen, particle, pixel) {
  const { ctx, theme, scene, plan, heads, by } = renderer;
  const place = onLine(renderer, i, chosen);
  if (!place || place.length < 0.999) return;
  const { box } = plan.cells[i];
  const [x0, x1, y0, y1] = scene.view;
  const [hx, hy] = [heads[i][2 * particle], heads[i][2 * particle + 1]];
  const s = ((hx - renderer.middle[0]) / by + (x0 + x1) / 2) * place.x + ((renderer.middle[1] - hy) / by + (y0 + y1) / 2) * place.y;
  const size = (gapAt(chosen, s) * by) / pixel;
  const [x, y] = [box.x + hx / pixel, box.y + hy / pixel];
  const foot = place.spot(s);
  ctx.beginPath();
  ctx.setLineDash([2, 4]);
  ctx.moveTo(x, y);
  ctx.lineTo(...foot);
  ctx.strokeStyle = css(theme.text, 0.7);
  ctx.lineWidth = 1;
  ctx.stroke();
  ctx.setLineDash([]);
  if (Math.abs(size) < 2) return;
  const [dx, dy] = [place.x * Math.sign(size), -place.y * Math.sign(size)];
  const [ex, ey] = [x + dx * Math.abs(size), y + dy * Math.abs(size)];
  const tip = Math.min(8, Math.abs(size));
  ctx.lineCap = "round";
  ctx.lineJoin = "round";
  for (const [colour, width] of [[css(theme.plot), 5], [css(theme.hue(scene.panels[i].hue)), 2.4]]) {
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(ex, ey);
    for (const turn of [0.5, -0.5]) {
      ctx.moveTo(ex, ey);
      ctx.lineTo(ex - tip * (dx * Math.cos(turn) - dy * Math.sin(turn)), ey - tip * (dx * Math.sin(turn) + dy * Math.cos(turn)));
    }
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.stroke();
  }
  ctx.lineCap = "butt";
}

/** The least and the largest number along any direction of a panel, so that the strip never changes its scale. */
function rangeOf(slices) {
  if (slices.range) return slices.range;
  let [low, high] = [Infinity, -Infinity];
  for (const { data, scale } of [slices.source, slices.later, slices.target]) {
    for (const v of data) [low, high] = [Math.min(low, v * scale), Math.max(high, v * scale)];
  }
  return (slices.range = [low, high > low ? high : low + 1]);
}

/** What is chosen in words, from the fullest to the shortest: which direction, and the distance along it. A direction that leaves the
 * drawn plane has no angle there; its part in the plane is seen at one. */
const sliceWords = ({ angle, whole, of, ...pairs }) => {
  const degrees = `${Math.round((angle * 180) / Math.PI) % 180}°`;
  const which = `${whole ? `direction at ${degrees}` : `direction seen at ${degrees} here`}, one of ${of}`;
  const far = figure(distanceAlong(pairs));
  const long = [`${which}: equal ranks are matched, so no two lines cross`, `${which}: matched by rank`, which];
  const brief = whole ? `at ${degrees}` : `seen at ${degrees}`;
  return [...long.map((text) => [text, `W₂ along it ${far}`]), [brief, `W₂ ${far}`]];
};

/** The strip under a panel: particles above, data below, a line from each quantile to its match. */
function drawSliceStrip({ ctx, scene, plan, theme }, i, at, state) {
  const { box } = plan.cells[i];
  const panel = scene.panels[i];
  const chosen = chosenSlice(panel, at, state);
  if (!chosen) return;
  const top = box.y + box.height + LINE.readout;
  ctx.clearRect(box.x - 2, top, box.width + 4, SLICE.strip);
  const hue = theme.hue(panel.hue);
  ctx.font = `400 12px ${theme.font}`;
  ctx.textBaseline = "alphabetic";
  const room = (pair) => ctx.measureText(pair[0]).width + ctx.measureText(pair[1]).width + 16 <= box.width;
  const all = sliceWords(chosen);
  const [which, far] = all.find(room) ?? [all.at(-1)[0], ""];
  ctx.fillStyle = css(theme.muted);
  ctx.textAlign = "left";
  ctx.fillText(which, box.x + 1, top + 14);
  ctx.textAlign = "right";
  ctx.fillStyle = css(theme.text);
  ctx.fillText(far, box.x + box.width, top + 14);
  ctx.textAlign = "left";
  const names = [["particles", hue, top + 36], ["data", theme.truth, top + 76]];
  const inset = Math.max(...names.map(([name]) => ctx.measureText(name).width)) + 14;
  for (const [name, colour, y] of names) {
    ctx.fillStyle = css(colour);
    ctx.fillText(name, box.x + 1, y + 4);
    ctx.beginPath();
    ctx.moveTo(box.x + inset, y);
    ctx.lineTo(box.x + box.width, y);
    ctx.strokeStyle = css(theme.hairline);
    ctx.lineWidth = 1;
    ctx.stroke();
  }
  const [low, high] = rangeOf(panel.slices);
  const span = box.width - inset - 10;
  const spot = (v) => [box.x + inset + 5 + ((v - low) / (high - low)) * span, 0];
  ctx.beginPath();
  chosen.s.forEach((v, j) => {
    ctx.moveTo(spot(v)[0], top + 36);
    ctx.lineTo(spot(chosen.t[j])[0], top + 76);
  });
  ctx.strokeStyle = css(theme.text, 0.4);
  ctx.stroke();
  beads(ctx, chosen.s, spot, [0, top + 36], hue, box.width);
  beads(ctx, chosen.t, spot, [0, top + 76], theme.truth, box.width);
}
