// Decoded objects: what the particles with a number mean, at the current moment of the clock.

const foreign = (panel, when) => when.key === "forward" && Boolean(panel.forward); // another cloud is on: these are not its objects

/** An object of a panel, or the training object nearest to its end, within a box. */
function drawObject(ctx, objects, which, at, k, box, theme, colour) {
  const near = which === "nearest";
  const when = near ? [0, 0, 0] : at;
  const { kind } = objects;
  const side = Math.min(box.width, box.height);
  const [x, y] = [box.x + (box.width - side) / 2, box.y + (box.height - side) / 2];
  const array = near ? { ...objects.nearest, shape: [1, ...objects.nearest.shape] } : objects.values;
  if (kind === "strings") return drawString(ctx, objects, array, when, k, box, theme, colour);
  if (kind === "tables") return drawTable(ctx, cells(objects, array, when, k), box, theme, colour, nearestCells(objects, k));
  const values = mixed(array, when, k, objects.particles.length);
  if (kind === "curves") drawCurve(ctx, values, objects, x, y, side, colour, theme);
  else if (kind === "images") drawImage(ctx, values, array.shape.slice(2), x, y, side, theme.plot, colour);
  else if (kind === "clouds") drawCloud(ctx, values, objects.frame, x, y, side, colour);
  else {
    const places = near ? { ...objects.nearest_layout, shape: [1, ...objects.nearest_layout.shape] } : objects.layout;
    drawGraph(ctx, values, mixed(places, when, k, objects.particles.length), x, y, side, blend(theme.plot, colour, 0.55), colour);
  }
}

/** The row of a table nearest to row k, column by column; null where nobody looked. */
function nearestCells(objects, k) {
  return objects.nearest && cells(objects, { ...objects.nearest, shape: [1, ...objects.nearest.shape] }, [0, 0, 0], k);
}

/** Whether object k obeys the rules of its kind at this moment; true where nobody looked. */
function validAt({ valid, particles }, [a, b, w], k) {
  return !valid || valid.data[(w < 0.5 ? a : b) * particles.length + k] !== 0;
}

/** The frame of a tile: dashed and with a cross where the object is not valid. */
function edge(ctx, x, y, width, height, round, theme, strong, valid) {
  ctx.beginPath();
  ctx.roundRect(x + 0.5, y + 0.5, width - 1, height - 1, round);
  ctx.strokeStyle = css(strong || !valid ? theme.text : theme.hairline);
  ctx.lineWidth = strong ? 2 : valid ? 1 : 1.3;
  ctx.setLineDash(valid ? [] : [4, 3]);
  ctx.stroke();
  ctx.setLineDash([]);
  if (valid) return;
  const r = Math.min(4, width / 12);
  const [cx, cy] = [x + width - r - 5, y + r + 5];
  ctx.beginPath();
  ctx.arc(cx, cy, r + 3, 0, 2 * Math.PI);
  ctx.fillStyle = css(theme.plot, 0.9);
  ctx.fill();
  ctx.beginPath();
  for (const s of [1, -1]) {
    ctx.moveTo(cx - r, cy - s * r);
    ctx.lineTo(cx + r, cy + s * r);
  }
  ctx.lineWidth = 1.7;
  ctx.stroke();
}

/** What the strip shows, from the fullest wording to the shortest; `larger` where a card says more than a tile. */
function captions({ kind, nearest, valid, marks }, larger) {
  const rows = kind === "tables";
  const none = ["", "", "", ""];
  const name = `Decoded ${rows ? "rows" : kind}`;
  const below = ["; below each, the nearest in training", "; nearest below", "; nearest below", "; nearest below"];
  const beside = ["; hollow: the nearest in training", "; hollow: nearest", "; hollow: nearest", "; ○ nearest"];
  const parts = [
    [name, name, "Decoded", ""],
    nearest ? (rows ? beside : below) : none,
    marks ? ["; dots: pinned values", "; dots: pins", "; dots: pins", ""] : none,
    valid?.data.includes(0) ? ["; dashed with a cross: not valid", "; dashed ×: not valid", "; ×: not valid", "; ×: not valid"] : none,
    larger ? [`; click a tile ${rows ? "for the whole row" : "to enlarge it"}`, "; click to enlarge", "; click: larger", ""] : none,
  ];
  return none.map((_, i) => parts.map((p) => p[i]).join("").replace(/^; /, "") || "Decoded");
}

/** The strip of a panel: a numbered tile for each decoded particle, and under it the nearest training object. */
function drawStrip(ctx, panel, tiles, when, theme, state) {
  const { objects } = panel;
  const at = bracket(objects.u, when.u);
  const hue = theme.hue(panel.hue);
  const words = captions(objects, tiles.card);
  ctx.clearRect(tiles.x - 4, tiles.y - 2, tiles.width + 8, tiles.height + 6);
  ctx.font = `400 12px ${theme.font}`;
  ctx.fillStyle = css(theme.muted);
  ctx.textAlign = "left";
  ctx.globalAlpha = foreign(panel, when) ? 0.3 : 1;
  tiles.said ??= fitting(ctx, words.find((w) => ctx.measureText(w).width <= tiles.width) ?? words.at(-1), tiles.width);
  ctx.fillText(tiles.said, tiles.x, tiles.y + 13);
  objects.particles.forEach((particle, k) => {
    const x = tiles.x + (k % tiles.columns) * (tiles.wide + TILE);
    const y = tiles.y + LINE.label + Math.floor(k / tiles.columns) * tiles.step;
    for (const [row, which] of [[0, "values"], [1, "nearest"]].slice(0, tiles.pair)) {
      const top = y + row * (tiles.side + 4);
      const round = [row ? 2 : 7, row ? 2 : 7, row || tiles.pair === 1 ? 7 : 2, row || tiles.pair === 1 ? 7 : 2];
      ctx.beginPath();
      ctx.roundRect(x + 0.5, top + 0.5, tiles.wide - 1, tiles.side - 1, round);
      ctx.fillStyle = css(theme.plot);
      ctx.fill();
      const box = { x, y: top, width: tiles.wide, height: tiles.side, split: tiles.split, fit: tiles.fit };
      drawObject(ctx, objects, which, at, k, box, theme, row ? theme.muted : hue);
      const picked = !row && (state.follow === particle || state.hover === particle);
      edge(ctx, x, top, tiles.wide, tiles.side, round, theme, picked, row === 1 || validAt(objects, at, k));
    }
    if (tiles.side >= 34) badge(ctx, k + 1, x + 9, y + 9, theme, hue, 7);
  });
  ctx.globalAlpha = 1;
}

/** A number in a disc: the same on the tile and beside the particle it belongs to. */
function badge(ctx, number, x, y, theme, hue, r = 7.5) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fillStyle = css(theme.ground, 0.92);
  ctx.fill();
  ctx.strokeStyle = css(hue);
  ctx.lineWidth = 1.2;
  ctx.stroke();
  ctx.fillStyle = css(theme.text);
  ctx.font = `600 ${number > 9 ? 8.5 : 10}px ${theme.font}`;
  ctx.textAlign = "center";
  ctx.fillText(number, x, y + 3.5);
  ctx.textAlign = "left";
}

const fitted = new Map(); // measuring text is dear, and the same few texts are drawn in every frame

/** The text, shortened to a width with an ellipsis. */
function fitting(ctx, text, width) {
  const key = `${ctx.font}|${Math.floor(width)}|${text}`;
  if (fitted.size > 2000) fitted.clear();
  if (!fitted.has(key)) fitted.set(key, shortened(ctx, text, width));
  return fitted.get(key);
}

function shortened(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && ctx.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}
