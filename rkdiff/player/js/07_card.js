// The card: the decoded object of the particle one points at or follows, large, in the corner of its panel that the particle visits least.

const CARD = { inset: 8, head: 24, foot: 18, most: 150, share: 0.2 }; // `share` of its panel is the most a card covers

/** Size of the card of a panel, or null where it would say no more than a tile. In a small panel it leaves room for the cloud. */
function contentOf(objects, box, tiles) {
  const high = box.height - 2 * CARD.inset - CARD.head - CARD.foot;
  const beside = (box.width - box.height) / 2 - 2 * CARD.inset; // room beside a cloud as wide as it is high
  const upright = beside > 130;
  const wide = upright && objects.kind === "strings" ? Math.min(320, beside) : Math.min(320, 0.6 * box.width);
  const most = { wide, high, area: CARD.share * box.width * box.height, near: Boolean(objects.nearest), upright };
  if (objects.kind === "tables") return rowCard(objects, most, tiles);
  return objects.kind === "strings" ? stringCard(objects, most) : squareCard(most, tiles.side);
}

/** All columns of the table, in lines as high as there is room for, under each other or in two columns. */
function rowCard({ columns }, { wide, high, area }, tiles) {
  if (tiles.fit >= columns.length && tiles.wide / tiles.split > 130) return null;
  for (let line = 19; line >= 13; line -= 1) {
    for (const split of [1, 2, 3]) {
      const height = Math.ceil(columns.length / split) * line;
      const width = Math.min(wide * Math.min(split, 1.6), 240 * split, area / (height + CARD.head + 8));
      if (height <= high && (width - 20 - 14 * (split - 1)) / split >= 140) return { width, height, split, tall: height + CARD.head + 8 };
    }
  }
  return null;
}

/** The string in letters as large as there is room for, the nearest one under it where both fit. */
function stringCard(objects, { wide, high, area, near }) {
  for (const two of near ? [true, false] : [false]) {
    for (let most = 18; most >= 11; most -= 1) {
      const { columns, lines, size } = setting(longest(objects), 0.88 * wide, high, most);
      const width = Math.max(130, (columns * PITCH * size) / 0.88 + 2);
      const height = lines * LEADING * size + 0.12 * width;
      const tall = CARD.head + height + (two ? height + CARD.foot : 0) + 4;
      if (size >= 11 && tall <= high && tall * width <= area) return { width, height, two, most, tall };
    }
  }
  return null;
}

/** The object in a square, the nearest one beside or under it where both are larger than on their tiles. */
function squareCard({ wide, high, area, near, upright }, tile) {
  for (const two of near ? [true, false] : [false]) {
    const under = two && upright;
    const room = high + CARD.head + CARD.foot - (under ? 20 : 0); // a high card leaves the name of the axis below it
    for (let side = CARD.most; side >= 1.2 * tile; side -= 2) {
      const width = two && !under ? 2 * side + 24 : side + 16;
      const tall = CARD.head + side + (two ? CARD.foot : 8) + (under ? side + 4 : 0);
      if (tall <= room && width <= 1.2 * wide && tall * width <= area) {
        return { width, height: side, two, under, side, tall };
      }
    }
  }
  return null;
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
  const content = k < 0 ? null : tiles.card;
  if (!content) return;
  const particle = objects.particles[k];
  const size = { width: content.width, height: content.tall };
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
  const said = (valid ? "decoded" : "not valid") + (objects.kind === "tables" && objects.nearest ? "; ○ nearest" : "");
  ctx.fillText(fitting(ctx, said, size.width - 36), x + 27, y + 17);
  inside(ctx, objects, at, k, { x, y: y + CARD.head, size, content }, theme, hue);
}

function inside(ctx, objects, at, k, { x, y, size, content }, theme, hue) {
  const said = (text, left, base) => label(ctx, text, left, base, size.width - (left - x) - 8, 10.5, theme);
  const box = { x, y, width: content.width, height: content.height, large: true, split: content.split, most: content.most };
  if (objects.kind === "tables") drawColumns(ctx, cells(objects, objects.values, at, k), box, theme, hue, nearestCells(objects, k));
  else if (objects.kind === "strings") {
    drawObject(ctx, objects, "values", at, k, box, theme, hue);
    if (!content.two) return;
    said("nearest in training", x + 10, y + content.height + 11);
    drawObject(ctx, objects, "nearest", at, k, { ...box, y: y + content.height + CARD.foot - 4 }, theme, theme.muted);
  } else {
    const square = { x: x + 8, y, width: content.side, height: content.side, large: true };
    drawObject(ctx, objects, "values", at, k, square, theme, hue);
    if (!content.two) return;
    const [right, down] = content.under ? [0, content.side + 4] : [content.side + 8, 0];
    drawObject(ctx, objects, "nearest", at, k, { ...square, x: x + 8 + right, y: y + down }, theme, theme.muted);
    said(content.side < 110 ? "nearest" : "nearest in training", x + 8 + right, y + down + content.side + 12);
  }
}
