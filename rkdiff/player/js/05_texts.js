// Objects that are read: strings letter by letter, rows of tables column by column.

const MONO = 'ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';
const PITCH = 0.61; // width of a letter over its size
const LEADING = 1.32; // height of a line over the size of its letters
const SMALLEST = 7; // nobody reads smaller letters
const smooth = (w) => w * w * (3 - 2 * w);

/** How many letters the longest string of the strip has. */
function longest(objects) {
  objects.longest ??= Math.max(
    1,
    ...[objects.values, objects.nearest].filter(Boolean).map(({ data, shape }) => {
      const width = shape.at(-1);
      let most = 0;
      for (let i = 0; i < data.length; i++) if (data[i]) most = Math.max(most, (i % width) + 1);
      return most;
    }),
  );
  return objects.longest;
}

/** Columns, lines and size of the largest letters that hold a string of some length in a box. */
function setting(length, width, height, most) {
  let best = null;
  for (let lines = 1; lines <= length; lines++) {
    const columns = Math.ceil(length / lines);
    const size = Math.min(most, width / (columns * PITCH), height / (lines * LEADING));
    if (!best || size > best.size + 0.01) best = { columns, lines: Math.ceil(length / columns), size };
  }
  if (best.size >= SMALLEST) return best;
  const columns = Math.max(1, Math.floor(width / (SMALLEST * PITCH)));
  return { columns, lines: Math.max(1, Math.floor(height / (SMALLEST * LEADING))), size: SMALLEST };
}

/** A string between two decoded moments: letters that are new since the moment before stand on a ground and are underlined. */
function drawString(ctx, objects, array, [a, b, w], k, box, theme, colour) {
  const width = array.shape.at(-1);
  const count = objects.particles.length;
  const row = (m) => (m < 0 ? null : array.data.subarray((m * count + k) * width, (m * count + k + 1) * width));
  const [before, now, next] = [row(a - 1), row(a), row(b)];
  const pad = Math.max(4, box.width * 0.06);
  const head = box.large || box.width < 34 ? pad : Math.min(17, box.height * 0.24);
  const room = [box.width - 2 * pad, box.height - head - pad];
  const { columns, lines, size } = setting(longest(objects), ...room, box.large ? 19 : 17);
  const left = box.x + pad + (room[0] - columns * PITCH * size) / 2;
  const top = box.y + head + (room[1] - lines * LEADING * size) / 2;
  const m = smooth(w);
  const shown = Math.min(width, columns * lines);
  const letter = (code, i, alpha, fresh) => {
    const x = left + (i % columns) * PITCH * size;
    const y = top + Math.floor(i / columns) * LEADING * size;
    if (fresh > 0.02) {
      ctx.fillStyle = css(colour, 0.2 * fresh);
      ctx.fillRect(x, y + 0.06 * size, PITCH * size, 1.12 * size);
      ctx.fillStyle = css(colour, fresh);
      ctx.fillRect(x + 0.05 * size, y + 1.13 * size, (PITCH - 0.1) * size, Math.max(1, size / 11));
    }
    if (!code || alpha < 0.02) return;
    ctx.font = `${fresh > 0.5 ? 700 : 500} ${size}px ${MONO}`;
    ctx.fillStyle = css(array === objects.values ? theme.text : colour, alpha);
    const more = i === shown - 1 && longest(objects) > shown;
    ctx.fillText(more ? "…" : String.fromCharCode(code), x + (PITCH * size) / 2, y + 0.98 * size);
  };
  ctx.textAlign = "center";
  for (let i = 0; i < shown; i++) {
    const born = before && before[i] !== now[i] ? 1 - m : 0;
    if (now[i] === next[i]) letter(now[i], i, 1, born);
    else {
      letter(now[i], i, 1 - m, born);
      letter(next[i], i, m, m);
    }
  }
  ctx.textAlign = "left";
}

/** A number as a person writes it: whole ones whole, others to a hundredth of their column's range. */
function written(value, { type, low, high }) {
  if (Math.abs(value) >= 1e7) return value.toExponential(1).replaceAll("-", "−").replace("e+", "e");
  const range = high - low || Math.abs(low) || 1;
  const digits = type === "integer" ? 0 : Math.min(5, Math.max(0, 2 - Math.floor(Math.log10(range))));
  const text = value.toFixed(digits);
  const parted = Math.abs(value) >= 9999.5 ? Number(text).toLocaleString("en") : text;
  return Number(text) === 0 ? parted.replace("-", "") : parted.replace("-", "−");
}

/** What a row of a table says, column by column: text now and next, place on its bar, level. */
function cells(objects, array, [a, b, w], k) {
  const width = array.shape.at(-1);
  const count = objects.particles.length;
  return objects.columns.map((column, j) => {
    const [p, q] = [a, b].map((m) => array.data[(m * count + k) * width + j]);
    const level = w < 0.5 ? p : q;
    if (column.type === "category") return { column, level, text: column.levels[level], clear: p === q ? 1 : Math.max(0.4, Math.abs(2 * smooth(w) - 1)) };
    const value = p + (q - p) * w;
    const place = Math.min(1, Math.max(0, (value - column.low) / (column.high - column.low)));
    return { column, text: written(value, column), place: Number.isNaN(place) ? 0.5 : place, clear: 1 };
  });
}

/** A row of a table: a line a column, as many as fit; `other` marks the same bars with a second object. */
function drawTable(ctx, objects, array, at, k, box, theme, colour, other = null) {
  const all = cells(objects, array, at, k);
  const pad = Math.max(4, box.width * 0.07);
  const named = box.width >= 76;
  const head = box.width < 34 ? 2 : 14;
  const fit = Math.max(1, Math.floor((box.height - head - 3) / (named ? 16 : 12)));
  if (box.large) return drawColumns(ctx, all, box, theme, colour, other);
  const lines = all.length > fit ? all.slice(0, Math.max(1, named ? fit - 1 : fit)) : all;
  const more = lines.length < all.length && named;
  const high = Math.min(24, (box.height - head - 3) / (lines.length + (more ? 0.7 : 0)));
  const [left, right] = [box.x + pad, box.x + box.width - pad];
  lines.forEach((cell, i) => narrowLine(ctx, cell, left, right, box.y + head + i * high, high, named, theme, colour));
  if (!more) return;
  ctx.font = `400 9.5px ${theme.font}`;
  ctx.fillStyle = css(theme.muted);
  ctx.fillText(`+ ${all.length - lines.length} more`, left, box.y + box.height - 5);
}

/** The whole row on a card, in `box.split` columns of lines. */
function drawColumns(ctx, all, box, theme, colour, other) {
  const down = Math.ceil(all.length / box.split);
  const high = Math.min(21, box.height / down);
  const wide = (box.width - 20 - 14 * (box.split - 1)) / box.split;
  all.forEach((cell, i) => {
    const left = box.x + 10 + Math.floor(i / down) * (wide + 14);
    wideLine(ctx, cell, left, left + wide, box.y + ((i % down) + 0.5) * high, theme, colour, other?.[i]);
  });
}

/** A thin bar from low to high with a mark where the value is. */
function gauge(ctx, left, right, y, place, theme, colour, r, hollow = false) {
  if (!hollow) {
    ctx.fillStyle = css(blend(theme.plot, theme.text, 0.22));
    ctx.fillRect(left, y - 0.75, right - left, 1.5);
  }
  ctx.beginPath();
  ctx.arc(left + place * (right - left), y, r, 0, 2 * Math.PI);
  ctx.fillStyle = css(hollow ? theme.ground : colour);
  ctx.fill();
  ctx.strokeStyle = css(colour);
  ctx.lineWidth = 1.2;
  if (hollow) ctx.stroke();
}

function swatch(ctx, level, x, y, r, theme, alpha = 1) {
  trace(ctx, shapeOf(level), x, y, r);
  ctx.fillStyle = css(theme.ofClass(level), alpha);
  ctx.fill();
}

/** On a tile: the name and the value above the bar, or the bar alone where there is no room for a name. */
function narrowLine(ctx, { column, level, text, place, clear }, left, right, y, high, named, theme, colour) {
  const size = named ? 9.5 : 8.5;
  const base = named ? y + 0.56 * high : y + high * 0.5 + 3;
  ctx.font = `500 ${size}px ${theme.font}`;
  ctx.fillStyle = css(theme.text, clear);
  if (level !== undefined) {
    const said = fitting(ctx, text, (right - left) * (named ? 0.58 : 1) - 9);
    const x = named ? right - ctx.measureText(said).width : left + 10;
    ctx.fillText(said, x, base);
    swatch(ctx, level, x - 6, base - 3.2, 2.7, theme, clear);
    if (named) label(ctx, column.name, left, base, x - 14 - left, size, theme);
    return;
  }
  gauge(ctx, left + 2, right - 2, named ? y + 0.56 * high + 4.5 : y + high / 2, place, theme, colour, named ? 2.2 : 2.6);
  if (!named) return;
  const x = right - ctx.measureText(text).width;
  ctx.fillStyle = css(theme.text);
  ctx.fillText(text, x, base);
  label(ctx, column.name, left, base, x - 5 - left, size, theme);
}

function label(ctx, name, x, y, room, size, theme) {
  if (room < 12) return;
  ctx.font = `400 ${size}px ${theme.font}`;
  ctx.fillStyle = css(theme.muted);
  ctx.fillText(fitting(ctx, name, room), x, y);
}

/** On a card: name, bar and value side by side; the hollow mark is the nearest training object. */
function wideLine(ctx, { column, level, text, place, clear }, left, right, middle, theme, colour, other) {
  const [bar, said] = [left + (right - left) * 0.36, left + (right - left) * 0.72];
  const base = middle + 3.8;
  label(ctx, column.name, left, base, bar - left - 8, 11, theme);
  ctx.font = `500 11px ${theme.font}`;
  ctx.fillStyle = css(theme.text, clear);
  if (level !== undefined) {
    swatch(ctx, level, bar + 4, middle, 3.4, theme, clear);
    ctx.fillStyle = css(theme.text, clear);
    const same = !other || other.level === level || right - left < 200;
    const room = (same ? right : said - 4) - bar - 12;
    ctx.fillText(fitting(ctx, text, room), bar + 12, base);
    if (!same) label(ctx, `○ ${other.text}`, said, base, right - said, 10.5, theme);
    return;
  }
  gauge(ctx, bar + 3, said - 10, middle, place, theme, colour, 3);
  if (other) gauge(ctx, bar + 3, said - 10, middle, other.place, theme, theme.muted, 2.6, true);
  ctx.fillStyle = css(theme.text);
  ctx.fillText(fitting(ctx, text, right - said), said, base);
}

/** What an object says, for those who do not see it; nothing for kinds that are pictures. */
function inWords(objects, at, k) {
  const [a, b, w] = at;
  const m = w < 0.5 ? a : b;
  if (objects.kind === "tables") return cells(objects, objects.values, [m, m, 0], k).map((c) => `${c.column.name} ${c.text}`).join(", ");
  if (objects.kind !== "strings") return "";
  const width = objects.values.shape.at(-1);
  const from = (m * objects.particles.length + k) * width;
  return String.fromCharCode(...objects.values.data.subarray(from, from + width).filter(Boolean));
}
