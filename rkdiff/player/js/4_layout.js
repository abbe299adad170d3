// Where everything is, in CSS pixels: as many columns as make the pictures largest, every row of panels aligned.

const GAP = 20; // between panels
const LINE = { title: 24, note: 18, readout: 26, label: 20 };

function wrap(ctx, text, width) {
  const lines = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (line && ctx.measureText(longer).width > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** How k tiles fit into a width: columns, side of a tile, rows. */
function tiling(k, width, least, most) {
  const columns = Math.max(1, Math.min(k, Math.floor((width + 8) / (least + 8))));
  const side = Math.min(most, Math.floor((width - 8 * (columns - 1)) / columns));
  return { columns, side, rows: Math.ceil(k / columns) };
}

function strip(objects, width, most) {
  if (!objects) return null;
  const pair = objects.nearest ? 2 : 1;
  const t = tiling(objects.particles.length, width, Math.min(52, width / 4 - 8), most);
  const step = t.side * pair + (pair > 1 ? 4 : 0) + 8;
  return { ...t, pair, step, height: LINE.label + t.rows * step };
}

/** One way to arrange the panels in `columns`; `room` is the height there is. */
function arrange(scene, width, room, columns, notes) {
  const n = scene.panels.length;
  const rows = Math.ceil(n / columns);
  const cell = Math.floor((width - GAP * (columns - 1)) / columns);
  const [x0, x1, y0, y1] = scene.view;
  const aspect = Math.min(2, Math.max(0.5, (x1 - x0) / (y1 - y0)));
  const deepest = Math.max(...scene.panels.map((p) => p.objects?.particles.length ?? 0));
  const owner = scene.panels.find((p) => p.objects?.particles.length === deepest);
  const beside = n === 1 && deepest > 0 && width >= 720;
  const tiles = deepest ? (w) => strip(owner.objects, w, beside ? 108 : 84) : () => null;
  const lines = notes(cell);
  const head = LINE.title + LINE.note * Math.max(...lines.map((l) => l.length)) + 6;
  const reserve = beside ? 0.42 * width : 0;
  const wide = Math.min(cell, cell - reserve);
  const below = deepest && !beside ? tiles(wide).height : 0;
  const spare = room / rows - head - LINE.readout - below - (rows > 1 ? GAP : 0);
  const height = Math.floor(Math.max(Math.min(wide / aspect, spare), Math.min(wide / aspect, 170)));
  const box = { width: Math.min(wide, Math.floor(height * aspect * 1.3)), height };
  return { columns, rows, cell, box, beside, head, lines, tiles, below, score: Math.min(box.width / aspect, height) };
}

/** The whole picture: its height, and for every panel its box, title, read-out and strip of objects. */
function layout(scene, width, room, ctx, theme) {
  const notes = (cell) => {
    ctx.font = `400 12.5px ${theme.font}`;
    return scene.panels.map((p) => p.notes.flatMap((note) => wrap(ctx, note, cell)));
  };
  const top = header(scene, width, ctx, theme);
  let best = null;
  for (let columns = 1; columns <= scene.panels.length; columns++) {
    const tried = arrange(scene, width, room - top.height, columns, notes);
    if (!best || tried.score > best.score * (columns > best.columns ? 0.9 : 1)) best = tried;
  }
  const { columns, box, head, beside, cell } = best;
  const side = beside ? Math.min(0.42 * width, width - box.width - 32) : 0;
  const content = box.width + (beside ? 32 + side : 0);
  const used = Math.min(columns, scene.panels.length);
  const gap = used > 1 ? Math.min(GAP * 2, Math.max(GAP, (width - content * used) / (used - 1))) : 0;
  const left = Math.max(0, Math.floor((width - content * used - gap * (used - 1)) / 2));
  const row = head + box.height + LINE.readout + best.below;
  const cells = scene.panels.map((panel, i) => {
    const x = left + (i % columns) * (content + gap);
    const y = top.height + Math.floor(i / columns) * (row + GAP);
    const place = { x: Math.floor(x), y: Math.floor(y + head), width: box.width, height: box.height };
    const under = { x: place.x, y: place.y + box.height + LINE.readout, width: box.width };
    const aside = { x: place.x + box.width + 32, y: place.y - 4, width: side };
    const at = beside ? aside : under;
    const tiles = panel.objects ? { ...at, ...strip(panel.objects, at.width, beside ? 108 : 84) } : null;
    return { title: { x: place.x, y, width: beside ? content : box.width }, lines: best.lines[i], box: place, tiles };
  });
  const scale = Math.min(box.width / (scene.view[1] - scene.view[0]), box.height / (scene.view[3] - scene.view[2]));
  const tall = beside ? Math.max(row, head + cells[0].tiles.height) : row;
  return { width, height: Math.ceil(top.height + best.rows * (tall + GAP) - GAP + 4), top, cells, scale, cell, left };
}

/** The title of the scene and the legend of its classes, on one line where they fit. */
function header(scene, width, ctx, theme) {
  const entries = [];
  ctx.font = `600 17px ${theme.font}`;
  const title = scene.title ? ctx.measureText(scene.title).width : 0;
  ctx.font = `400 13px ${theme.font}`;
  let x = 0;
  let y = title ? 30 : 0;
  for (const [c, name] of scene.classes.entries()) {
    const w = 18 + ctx.measureText(name).width + 16;
    if (x && x + w > width) [x, y] = [0, y + 22];
    entries.push({ c, name, x, y, w });
    x += w;
  }
  if (entries.length && title && entries.at(-1).y === 30 && title + 32 + x <= width) {
    for (const e of entries) Object.assign(e, { x: width - x + 16 + e.x, y: 0 });
    return { entries, height: 36 };
  }
  return { entries, height: entries.length ? y + 30 : title ? 32 : 0 };
}
