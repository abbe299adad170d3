// What stands still: the ground of each panel with the density of the truth and the training points, the titles and the legend.

/** The ground of a panel: plot, density and target points, as pixels. */
function paintGround(renderer, panel) {
  const { theme, pixel, raster, layers } = renderer;
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
  if (panel.density && layers.density) shade(renderer, ctx, panel.density);
  if (panel.target && layers.target) dots(renderer, ctx, panel.target);
  ctx.restore();
  ctx.beginPath();
  ctx.roundRect(0.5 * pixel, 0.5 * pixel, canvas.width - pixel, canvas.height - pixel, 7.5 * pixel);
  ctx.strokeStyle = css(theme.hairline);
  ctx.lineWidth = pixel;
  ctx.stroke();
  return new Uint32Array(ctx.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
}

function shade(renderer, ctx, { tone, extent }) {
  const { theme } = renderer;
  const [h, w] = tone.shape;
  const small = document.createElement("canvas");
  Object.assign(small, { width: w, height: h });
  const image = new ImageData(w, h);
  const [r, g, b] = theme.truth;
  const most = theme.name === "dark" ? 0.42 : 0.34;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) image.data.set([r, g, b, tone.data[(h - 1 - y) * w + x] * most], 4 * (y * w + x));
  }
  small.getContext("2d").putImageData(image, 0, 0);
  const [left, top] = renderer.toBox(extent[0], extent[3]);
  const [right, bottom] = renderer.toBox(extent[1], extent[2]);
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(small, left, top, right - left, bottom - top);
}

function dots({ theme, pixel, by, middle }, ctx, target) {
  const r = pixel * 1.1;
  ctx.fillStyle = css(theme.text, Math.min(0.5, Math.max(0.18, 90 / Math.sqrt(target.shape[0] * 40))));
  const step = target.scale * by;
  ctx.beginPath();
  for (let i = 0; i < target.shape[0]; i++) {
    const x = middle[0] + target.data[2 * i] * step;
    const y = middle[1] - target.data[2 * i + 1] * step;
    ctx.moveTo(x + r, y);
    ctx.arc(x, y, r, 0, 2 * Math.PI);
  }
  ctx.fill();
}

/** Names of the axes, over the points and parted from them by a seam of the ground. */
function nameAxes({ ctx, theme, scene }, box) {
  const [x, y] = scene.axes;
  ctx.font = `400 11px ${theme.font}`;
  ctx.lineJoin = "round";
  ctx.lineWidth = 4;
  ctx.strokeStyle = css(theme.plot, 0.88);
  ctx.fillStyle = css(blend(theme.muted, theme.text, 0.3));
  const write = (text, left, base) => {
    ctx.strokeText(text, left, base);
    ctx.fillText(text, left, base);
  };
  ctx.textAlign = "right";
  if (x) write(`${x} →`, box.x + box.width - 9, box.y + box.height - 9);
  ctx.textAlign = "left";
  if (y) write(`↑ ${y}`, box.x + 9, box.y + 17);
}

/** Titles, notes and legend. */
function paintTitles({ ctx, scene, theme, plan, pixel }) {
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
