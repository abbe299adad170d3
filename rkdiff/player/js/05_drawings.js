// Objects as pictures: curves, images, graphs and clouds, each in a square.

const tile = document.createElement("canvas");

/** A curve, and on it the values it was asked to pass as ringed dots. */
function drawCurve(ctx, values, { low, high, marks }, x, y, side, colour, theme) {
  const range = high - low || 1;
  const pad = side * 0.08;
  const across = (place) => x + pad + (side - 2 * pad) * place;
  const up = (value) => y + side - pad - ((side - 2 * pad) * (value - low)) / range;
  ctx.beginPath();
  for (let i = 0; i < values.length; i++) ctx[i ? "lineTo" : "moveTo"](across(i / Math.max(1, values.length - 1)), up(values[i]));
  ctx.strokeStyle = css(colour);
  ctx.lineWidth = 1.5;
  ctx.lineJoin = "round";
  ctx.stroke();
  const r = Math.min(4.2, Math.max(2.4, side / 26));
  for (const [place, value] of marks ?? []) {
    ctx.beginPath();
    ctx.arc(across(place), up(value), r, 0, 2 * Math.PI);
    ctx.fillStyle = css(theme.text);
    ctx.fill();
    ctx.strokeStyle = css(theme.ground);
    ctx.stroke();
  }
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

/** Small discs in the square that all clouds of the strip share. */
function drawCloud(ctx, values, [cx, cy, half], x, y, side, colour) {
  const n = values.length / 2;
  const reach = side * 0.42;
  const r = Math.max(1, Math.min(4, (side * 0.16) / Math.sqrt(Math.max(1, n))));
  ctx.fillStyle = css(colour, 0.82);
  ctx.beginPath();
  for (let i = 0; i < n; i++) {
    const px = x + side / 2 + ((values[2 * i] - cx) / half) * reach;
    const py = y + side / 2 - ((values[2 * i + 1] - cy) / half) * reach;
    ctx.moveTo(px + r, py);
    ctx.arc(px, py, r, 0, 2 * Math.PI);
  }
  ctx.fill();
}
