// Links: the training points that pull a decoded particle at this moment, drawn as wide and as dark as their share of the pull.

/** Rows of the training points and their shares, largest first, between two decoded moments; null for a particle without. */
function pullsOn(panel, when, particle) {
  const { objects } = panel;
  const k = particle === null || !objects?.pull || foreign(panel, when) ? -1 : objects.particles.indexOf(particle);
  if (k < 0) return null;
  const { rows, weights } = objects.pull;
  const [a, b, w] = bracket(objects.u, when.u);
  const most = rows.shape[2];
  const shares = new Map();
  for (const [moment, part] of [[a, 1 - w], [b, w]]) {
    for (let j = 0, p = (moment * rows.shape[1] + k) * most; j < most; j++, p++) {
      if (rows.data[p] >= 0) shares.set(rows.data[p], (shares.get(rows.data[p]) ?? 0) + weights.data[p] * weights.scale * part);
    }
  }
  return [...shares].filter(([, share]) => share > 0.002).toSorted((p, q) => q[1] - p[1]);
}

/** Whom the links belong to: the particle one points at, else the followed one. */
const linked = (panel, when, state) => pullsOn(panel, when, state.hover) ?? pullsOn(panel, when, state.follow);

function drawLinks({ ctx, theme, pixel, middle, by, heads, scene, plan }, i, when, state) {
  const panel = scene.panels[i];
  const pulls = linked(panel, when, state);
  if (!pulls || !panel.target) return;
  const { box } = plan.cells[i];
  const particle = pullsOn(panel, when, state.hover) ? state.hover : state.follow;
  const [x, y] = [box.x + heads[i][2 * particle] / pixel, box.y + heads[i][2 * particle + 1] / pixel];
  const { data, scale } = panel.target;
  const hue = theme.hue(panel.hue);
  ctx.lineCap = "round";
  for (const [row, share] of pulls.toReversed()) {
    const tx = box.x + (middle[0] + data[2 * row] * scale * by) / pixel;
    const ty = box.y + (middle[1] - data[2 * row + 1] * scale * by) / pixel;
    const width = 1 + 4 * Math.sqrt(share);
    for (const [colour, extra] of [[css(theme.ground, 0.6 * Math.sqrt(share)), 2], [css(hue, 0.22 + 0.73 * share), 0]]) {
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(tx, ty);
      ctx.strokeStyle = colour;
      ctx.lineWidth = width + extra;
      ctx.stroke();
    }
    ctx.beginPath();
    ctx.arc(tx, ty, 2.4 + 2 * Math.sqrt(share), 0, 2 * Math.PI);
    ctx.fillStyle = css(theme.ground);
    ctx.fill();
    ctx.strokeStyle = css(hue);
    ctx.lineWidth = 1.5;
    ctx.stroke();
  }
  ctx.lineCap = "butt";
}

/** The pull in words, from the fullest to the shortest. */
function pullWords(pulls) {
  if (!pulls) return [];
  const real = pulls.filter(([, share]) => share >= 0.01);
  if (!real.length) return ["pulled by many training objects, none by 1 %", "many pulls, none 1 %", "pulls < 1 %"];
  const percent = `${Math.round(real[0][1] * 100)} %`;
  const rest = real.reduce((sum, [, share]) => sum + share, 0) < 0.98 ? " and others" : "";
  const n = real.length;
  if (n === 1 && !rest) return [`pulled by 1 training object, by ${percent}`, `pulled by 1, by ${percent}`, `pull ${percent}`];
  return [`pulled by ${n} training object${n > 1 ? "s" : ""}${rest}, most by ${percent}`, `pulled by ${n}${rest}, most by ${percent}`, `${n} pulls, most ${percent}`, `top pull ${percent}`];
}
