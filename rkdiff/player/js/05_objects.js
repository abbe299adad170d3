// Decoded objects: what the particles with a number mean, at the current moment of the clock.

const tile = document.createElement("canvas");

function drawCurve(ctx, values, low, high, x, y, side, colour) {
  const range = high - low || 1;
  const pad = side * 0.08;
  ctx.beginPath();
  for (let i = 0; i < values.length; i++) {
    const px = x + pad + ((side - 2 * pad) * i) / Math.max(1, values.length - 1);
    const py = y + side - pad - ((side - 2 * pad) * (values[i] - low)) / range;
    ctx[i ? "lineTo" : "moveTo"](px, py);
  }
  ctx.strokeStyle = css(colour);
  ctx.lineWidth = 1.5;
  ctx.lineJoin = "round";
  ctx.stroke();
}

/** Grey pixels from the ground (0) to the ink (1), without smoothing. */
function drawImage(ctx, values, [height, width], x, y, side, ground, ink) {
  tile.width = width;
  tile.height = height;
  const pen = tile.getContext("2d", { willReadFrequently: true });
  const image = pen.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = ground[c] + (ink[c] - ground[c]) * values[i];
    image.data[4 * i + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  const fit = (side - 4) / Math.max(width, height);
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(tile, x + (side - width * fit) / 2, y + (side - height * fit) / 2, width * fit, height * fit);
}

/** Nodes and edges; strengths between 0 and 1 fade in and out between two decoded moments. */
function drawGraph(ctx, strength, places, x, y, side, edge, node) {
  const n = Math.round(Math.sqrt(strength.length));
  const pad = side * 0.1;
  const at = (i, c) => (c ? y + side - pad - places[2 * i + 1] * (side - 2 * pad) : x + pad + places[2 * i] * (side - 2 * pad));
  ctx.lineWidth = side > 70 ? 1.2 : 0.9;
  for (const solid of [true, false]) {
    ctx.beginPath();
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const s = strength[i * n + j];
        if (s < 0.02 || s > 0.98 !== solid) continue;
        if (!solid) {
          ctx.strokeStyle = css(edge, s);
          ctx.beginPath();
        }
        ctx.moveTo(at(i, 0), at(i, 1));
        ctx.lineTo(at(j, 0), at(j, 1));
        if (!solid) ctx.stroke();
      }
    }
    ctx.strokeStyle = css(edge);
    if (solid) ctx.stroke();
  }
  const r = Math.max(1.6, Math.min(3.6, side / (6 + n * 0.9)));
  for (let i = 0; i < n; i++) {
    const s = strength[i * n + i];
    if (s < 0.02) continue;
    ctx.fillStyle = css(node, s);
    ctx.beginPath();
    ctx.arc(at(i, 0), at(i, 1), r, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/** Entry (a, k) of an array of objects as numbers, mixed with entry (b, k). */
function mixed(array, [a, b, w], k, count) {
  const size = array.data.length / (array.shape[0] * count);
  const out = new Float32Array(size);
  const zero = array.zero || 0;
  for (let i = 0, p = (a * count + k) * size, q = (b * count + k) * size; i < size; i++) {
    out[i] = (array.data[p + i] * (1 - w) + array.data[q + i] * w) * array.scale + zero;
  }
  return out;
}

function drawObject(ctx, objects, which, at, k, x, y, side, theme, colour) {
  const count = objects.particles.length;
  const near = which === "nearest";
  const array = near ? { ...objects.nearest, shape: [1, ...objects.nearest.shape] } : objects.values;
  const when = near ? [0, 0, 0] : at;
  const values = mixed(array, when, k, count);
  if (objects.kind === "curves") drawCurve(ctx, values, objects.low, objects.high, x, y, side, colour);
  else if (objects.kind === "images") drawImage(ctx, values, array.shape.slice(2), x, y, side, theme.plot, colour);
  else {
    const places = near ? { ...objects.nearest_layout, shape: [1, ...objects.nearest_layout.shape] } : objects.layout;
    drawGraph(ctx, values, mixed(places, when, k, count), x, y, side, blend(theme.plot, colour, 0.55), colour);
  }
}

/** The strip of a panel: a numbered tile for each decoded particle, and under it the nearest training object. */
function drawStrip(ctx, panel, tiles, when, theme, follow) {
  const { objects } = panel;
  const at = bracket(objects.u, when.u);
  const hue = theme.hue(panel.hue);
  const words = [`Decoded ${objects.kind}`];
  if (objects.nearest) words.unshift(`Decoded ${objects.kind}; below each, the nearest in training`, "Decoded; nearest below");
  const foreign = when.key === "forward" && panel.forward; // another cloud is on: these are not its objects
  ctx.clearRect(tiles.x - 4, tiles.y - 2, tiles.width + 8, tiles.height + 6);
  ctx.font = `400 12px ${theme.font}`;
  ctx.fillStyle = css(theme.muted);
  ctx.textAlign = "left";
  ctx.globalAlpha = foreign ? 0.3 : 1;
  const fits = words.find((w) => ctx.measureText(w).width <= tiles.width) ?? words.at(-1);
  ctx.fillText(fitting(ctx, fits, tiles.width), tiles.x, tiles.y + 13);
  objects.particles.forEach((particle, k) => {
    const x = tiles.x + (k % tiles.columns) * (tiles.side + TILE);
    const y = tiles.y + LINE.label + Math.floor(k / tiles.columns) * tiles.step;
    const picked = follow === particle;
    for (const [row, which] of [[0, "values"], [1, "nearest"]].slice(0, tiles.pair)) {
      const top = y + row * (tiles.side + 4);
      const round = [row ? 2 : 7, row ? 2 : 7, row || tiles.pair === 1 ? 7 : 2, row || tiles.pair === 1 ? 7 : 2];
      ctx.beginPath();
      ctx.roundRect(x + 0.5, top + 0.5, tiles.side - 1, tiles.side - 1, round);
      ctx.fillStyle = css(theme.plot);
      ctx.fill();
      drawObject(ctx, objects, which, at, k, x, top, tiles.side, theme, row ? theme.muted : hue);
      ctx.strokeStyle = picked && !row ? css(theme.text) : css(theme.hairline);
      ctx.lineWidth = picked && !row ? 2 : 1;
      ctx.beginPath();
      ctx.roundRect(x + 0.5, top + 0.5, tiles.side - 1, tiles.side - 1, round);
      ctx.stroke();
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

/** The text, shortened to a width with an ellipsis. */
function fitting(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && ctx.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}
