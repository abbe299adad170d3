// The card: the decoded object of the particle one points at or follows, large, in the corner of its panel that the particle visits least.

const CARD = { inset: 8, head: 24, foot: 18, most: 150 };

/** Size of the card's content in a panel, or null where it would say no more than the tile. In a small panel it leaves room for the cloud. */
function contentOf(objects, box, tile) {
  const small = box.width < 520 || box.height < 320;
  const high = box.height - 2 * CARD.inset - CARD.head - CARD.foot;
  const wide = small ? box.width - 2 * CARD.inset : 0.6 * box.width;
  const near = Boolean(objects.nearest);
  if (objects.kind === "tables") {
    const split = small && wide > 250 && objects.columns.length > 4 ? 2 : Math.ceil((objects.columns.length * 15) / high);
    const down = Math.ceil(objects.columns.length / split);
    if (high < 15 || (wide - 20) / split < 100) return null;
    return { width: Math.min(310 * split, wide), height: Math.min(high, down * (small ? 17 : 21)), split, foot: near };
  }
  if (objects.kind === "strings") {
    const [width, two] = [Math.min(300, small ? 0.8 * wide : wide), near && !small];
    const each = Math.min(two ? (high - CARD.foot) / 2 : high, small ? 0.4 * box.height : high) - 0.12 * width;
    const { lines, size } = setting(longest(objects), width - 0.12 * width, Math.max(9, each), 19);
    return { width, height: lines * LEADING * size + 0.12 * width, two, stacked: two };
  }
  const most = Math.min(CARD.most, high, small ? 0.45 * box.height : high);
  const side = Math.min(most, (wide - 24) / (near && !small ? 2 : 1));
  if (side < 1.2 * tile) return null;
  const two = near && !small;
  return { width: two ? 2 * side + 24 : side + 16, height: side, two, side, foot: two };
}

/** The corner whose card covers the fewest moments of a particle's path. */
function corner({ positions, n }, particle, box, size, { middle, by, pixel }) {
  const spots = [[1, 0], [0, 0], [1, 1], [0, 1]].map(([right, low]) => ({
    x: right ? box.x + box.width - size.width - CARD.inset : box.x + CARD.inset,
    y: low ? box.y + box.height - size.height - CARD.inset : box.y + CARD.inset,
    hits: 0,
  }));
  for (let f = 0; f < positions.scale.length; f++) {
    const s = positions.scale[f] * by;
    const x = box.x + (middle[0] + positions.data[(f * n + particle) * 2] * s) / pixel;
    const y = box.y + (middle[1] - positions.data[(f * n + particle) * 2 + 1] * s) / pixel;
    for (const c of spots) if (x > c.x - 10 && x < c.x + size.width + 10 && y > c.y - 10 && y < c.y + size.height + 10) c.hits++;
  }
  return spots.reduce((best, c) => (c.hits < best.hits ? c : best));
}

function drawCard(renderer, i, when, state) {
  const { ctx, scene, plan, theme } = renderer;
  const panel = scene.panels[i];
  const { objects } = panel;
  const { box, tiles } = plan.cells[i];
  if (!objects || !tiles || foreign(panel, when)) return;
  const k = [state.hover, state.follow].map((p) => (p === null ? -1 : objects.particles.indexOf(p))).find((j) => j >= 0) ?? -1;
  const content = k < 0 ? null : contentOf(objects, box, tiles.side);
  if (!content) return;
  const particle = objects.particles[k];
  const size = { width: content.width, height: CARD.head + content.height + (content.foot ? CARD.foot : 8) };
  if (content.stacked) size.height += content.height + CARD.foot - 8;
  const { x, y } = corner(cloudOf(panel, when), particle, box, size, renderer);
  const at = bracket(objects.u, when.u);
  const valid = validAt(objects, at, k);
  const hue = theme.hue(panel.hue);
  ctx.beginPath();
  ctx.roundRect(x, y, size.width, size.height, 8);
  ctx.fillStyle = css(theme.ground, 0.97);
  ctx.fill();
  edge(ctx, x, y, size.width, size.height, 8, theme, false, valid);
  badge(ctx, k + 1, x + 14, y + 13, theme, hue, 7.5);
  ctx.font = `500 11.5px ${theme.font}`;
  ctx.fillStyle = css(theme.text);
  ctx.fillText(fitting(ctx, valid ? "decoded" : "not valid", size.width - 50), x + 27, y + 17);
  inside(ctx, objects, at, k, { x, y: y + CARD.head, size, content }, theme, hue);
}

function inside(ctx, objects, at, k, { x, y, size, content }, theme, hue) {
  const said = (text, left, base) => label(ctx, text, left, base, size.width - (left - x) - 8, 10.5, theme);
  const box = { x, y, width: content.width, height: content.height, large: true, split: content.split };
  const near = objects.nearest && { ...objects.nearest, shape: [1, ...objects.nearest.shape] };
  if (objects.kind === "tables") {
    const other = near ? cells(objects, near, [0, 0, 0], k) : null;
    drawTable(ctx, objects, objects.values, at, k, box, theme, hue, other);
    if (near) said("○ nearest in training", x + 10, y + content.height + 12);
  } else if (objects.kind === "strings") {
    drawObject(ctx, objects, "values", at, k, box, theme, hue);
    if (!content.two) return;
    said("nearest in training", x + 10, y + content.height + 9);
    drawObject(ctx, objects, "nearest", at, k, { ...box, y: y + content.height + CARD.foot - 6 }, theme, theme.muted);
  } else {
    const square = { x: x + 8, y, width: content.side, height: content.side, large: true };
    drawObject(ctx, objects, "values", at, k, square, theme, hue);
    if (!content.two) return;
    drawObject(ctx, objects, "nearest", at, k, { ...square, x: x + 16 + content.side }, theme, theme.muted);
    said("nearest in training", x + 16 + content.side, y + content.side + 12);
  }
}
