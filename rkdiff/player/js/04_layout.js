// Where everything is, in CSS pixels: as many columns as make the pictures largest, every row of panels aligned.

const GAP = 20; // between panels
const NARROW = 150; // least width of a panel that has neighbours
const LINE = { title: 24, note: 18, readout: 26, label: 22 };

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

/** One way to arrange the panels in `columns`; `room` is the height there is, `reads(columns)` what is read under each row of pictures. */
function arrange(scene, width, room, columns, notes, reads) {
  const n = scene.panels.length;
  const rows = Math.ceil(n / columns);
  const read = reads(columns);
  const words = read.reduce((sum, r) => sum + r, 0);
  const cell = Math.floor((width - GAP * (columns - 1)) / columns);
  const [x0, x1, y0, y1] = scene.view;
  const aspect = Math.min(2, Math.max(0.5, (x1 - x0) / (y1 - y0)));
  const rich = scene.panels.reduce((a, b) => ((b.objects?.particles.length ?? 0) > (a.objects?.particles.length ?? 0) ? b : a));
  const beside = n === 1 && Boolean(rich.objects) && width >= 720;
  const lines = notes(cell);
  const head = LINE.title + LINE.note * Math.max(...lines.map((l) => l.length)) + 6;
  const wide = beside ? cell - 0.42 * width : cell;
  const under = Boolean(rich.objects) && !beside;
  const stretch = under && rows === 1 ? 2.4 : width < 560 ? 2 : 1.65; // how much wider than the view a box may be
  const least = width < 560 ? 190 : under && rows === 1 ? 260 : 210;
  const box = { width: wide, height: 0 };
  let below = 0;
  for (let round = 0; round < 3; round++) {
    below = under ? strip(rich.objects, box.width).height + 6 : 0;
    const spare = (room - words) / rows - head - below - (rows > 1 ? GAP : 0);
    box.height = Math.floor(Math.min(wide / aspect, Math.max(spare, Math.min(wide / aspect, least))));
    box.width = Math.floor(Math.min(wide, box.height * aspect * stretch));
  }
  const tall = rows * (head + box.height + below + GAP) - GAP + words;
  const score = Math.min(box.width / aspect, box.height) * Math.min(1, room / tall);
  return { columns, rows, cell, box, beside, head, lines, below, read, score };
}

/** The whole picture: its height, and for every panel its box, title, read-out and strip of objects. */
function layout(scene, width, room, ctx, theme, layers) {
  const sliced = scene.panels.map((p) => Boolean(layers.slices && p.slices));
  const reads = (columns) => {
    const rows = Array.from({ length: Math.ceil(sliced.length / columns) }, (_, r) => sliced.slice(r * columns, (r + 1) * columns));
    return rows.map((row) => LINE.readout + (row.some(Boolean) ? SLICE.strip : 0)); // a strip only where a row has one
  };
  const notes = (cell) => {
    ctx.font = `400 12.5px ${theme.font}`;
    return scene.panels.map((p) => p.notes.flatMap((note) => wrap(ctx, note, cell)));
  };
  const top = header(scene, width, ctx, theme);
  let best = null;
  for (const columns of evenColumns(scene.panels.length)) {
    if (columns > 1 && (width - GAP * (columns - 1)) / columns < NARROW) continue;
    const tried = arrange(scene, width, room - top.height, columns, notes, reads);
    if (!best || tried.score > best.score * 1.1) best = tried;
  }
  const { columns, box, head, beside, cell, read } = best;
  const side = beside ? width - box.width - 32 : 0;
  const content = box.width + (beside ? 32 + side : 0);
  const used = Math.min(columns, scene.panels.length);
  const gap = used > 1 ? Math.min(GAP * 2, Math.max(GAP, (width - content * used) / (used - 1))) : 0;
  const left = Math.max(0, Math.floor((width - content * used - gap * (used - 1)) / 2));
  const tops = [top.height];
  for (const r of read) tops.push(tops.at(-1) + head + box.height + r + best.below + GAP);
  const cells = scene.panels.map((panel, i) => {
    const x = left + (i % columns) * (content + gap);
    const row = Math.floor(i / columns);
    const y = tops[row];
    const place = { x: Math.floor(x), y: Math.floor(y + head), width: box.width, height: box.height };
    const under = { x: place.x, y: place.y + box.height + read[row] + 6, width: box.width };
    const aside = { x: place.x + box.width + 32, y: place.y - LINE.label + 2, width: side };
    const at = beside ? aside : under;
    const tiles = panel.objects ? { ...at, ...strip(panel.objects, at.width, beside ? box.height + LINE.label : 0) } : null;
    if (tiles) tiles.card = contentOf(panel.objects, place, tiles);
    return { title: { x: place.x, y, width: beside ? content : box.width }, lines: best.lines[i], box: place, tiles };
  });
  const scale = Math.min(box.width / (scene.view[1] - scene.view[0]), box.height / (scene.view[3] - scene.view[2]));
  const end = beside ? Math.max(tops[1], top.height + head + cells[0].tiles.height + GAP) : tops.at(-1);
  return { width, height: Math.ceil(end - GAP + 4), top, cells, scale, cell, left };
}

/** The title of the scene and the legend of its classes, on one line where they fit. */
function header(scene, width, ctx, theme) {
  const entries = [];
  ctx.font = `600 17px ${theme.font}`;
  const title = scene.title ? ctx.measureText(scene.title).width : 0;
  ctx.font = `400 13px ${theme.font}`;
  let x = 0;
  let y = title ? 32 : 0;
  for (const [c, name] of scene.classes.entries()) {
    const w = 18 + ctx.measureText(name).width + 16;
    if (x && x + w > width) [x, y] = [0, y + 22];
    entries.push({ c, name, x, y, w });
    x += w;
  }
  if (entries.length && title && entries.at(-1).y === 32 && title + 32 + x <= width) {
    for (const e of entries) Object.assign(e, { x: width - x + 16 + e.x, y: 0 });
    return { entries, height: 40 };
  }
  return { entries, height: entries.length ? y + 34 : title ? 38 : 0 };
}
