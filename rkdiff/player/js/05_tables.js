// Rows of tables, column by column: small on a tile, whole on a card.

/** A number as a person writes it: whole ones whole, others to a hundredth of their column's range, or with fewer digits. */
function written(value, { type, low, high }, fine = 2) {
  if (Math.abs(value) >= 1e7) return value.toExponential(1).replaceAll("-", "−").replace("e+", "e");
  const range = high - low || Math.abs(low) || 1;
  const digits = type === "integer" ? 0 : Math.min(5, Math.max(0, fine - Math.floor(Math.log10(range))));
  const text = value.toFixed(digits);
  const parted = Math.abs(value) >= 9999.5 ? Number(text).toLocaleString("en") : text;
  return Number(text) === 0 ? parted.replace("-", "") : parted.replace("-", "−");
}

/** What a row of a table says, column by column: text, and its brief form for tiles, place on its bar, level. */
function cells(objects, array, [a, b, w], k) {
  const width = array.shape.at(-1);
  const count = objects.particles.length;
  return objects.columns.map((column, j) => {
    const [p, q] = [a, b].map((m) => array.data[(m * count + k) * width + j]);
    const level = w < 0.5 ? p : q;
    if (column.type === "category") return { column, level, text: column.levels[level], clear: p === q ? 1 : Math.max(0.4, Math.abs(2 * smooth(w) - 1)) };
    const value = p + (q - p) * w;
    const place = Math.min(1, Math.max(0, (value - column.low) / (column.high - column.low)));
    return { column, text: written(value, column), brief: written(value, column, 1), place: Number.isNaN(place) ? 0.5 : place, clear: 1 };
  });
}

/** A row of a table on its tile: as many columns of the table as can be read; hollow marks are those of the row `other`. */
function drawTable(ctx, all, box, theme, colour, other = null) {
  const { split, fit } = box;
  const lines = all.length > fit ? all.slice(0, fit - 1) : all;
  const down = Math.ceil(Math.min(fit, all.length) / split);
  const high = (box.height - 8) / down;
  const wide = (box.width - 12 - 10 * (split - 1)) / split;
  const at = (i) => [box.x + 6 + Math.floor(i / down) * (wide + 10), box.y + 3 + (i % down) * high];
  lines.forEach((cell, i) => {
    const [left, top] = at(i);
    tileLine(ctx, cell, left + (i ? 0 : 13), left + wide, top, high, theme, colour, other?.[i]); // the number stands before the first
  });
  if (lines.length === all.length) return;
  const [left, top] = at(fit - 1);
  label(ctx, `+ ${all.length - lines.length} more`, left, top + 0.62 * high, wide, 9.5, theme);
}

/** The whole row on a card, in `box.split` columns of lines. */
function drawColumns(ctx, all, box, theme, colour, other) {
  const down = Math.ceil(all.length / box.split);
  const high = box.height / down;
  const wide = (box.width - 20 - 14 * (box.split - 1)) / box.split;
  all.forEach((cell, i) => {
    const left = box.x + 10 + Math.floor(i / down) * (wide + 14);
    wideLine(ctx, cell, left, left + wide, box.y + ((i % down) + 0.5) * high, theme, colour, other?.[i]);
  });
}

/** A thin bar from low to high with a mark where the value is; a second mark on it may be hollow. */
function gauge(ctx, left, right, y, place, theme, colour, r, hollow = false, bar = true) {
  if (bar) {
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

function swatch(ctx, level, x, y, r, theme, alpha = 1, hollow = false) {
  trace(ctx, shapeOf(level), x, y, r);
  ctx.fillStyle = ctx.strokeStyle = css(theme.ofClass(level), alpha);
  ctx.lineWidth = 1;
  hollow ? ctx.stroke() : ctx.fill();
}

/** On a tile: the name, and the value above its bar or behind the shape of its level. */
function tileLine(ctx, { column, level, text, brief, place, clear }, left, right, y, high, theme, colour, other) {
  const base = y + 0.5 * high + 0.8;
  ctx.font = `500 9.5px ${theme.font}`;
  if (level !== undefined) {
    const differs = other && other.level !== level;
    const said = fitting(ctx, text, right - left - 10);
    const x = right - ctx.measureText(said).width;
    ctx.fillStyle = css(theme.text, clear);
    ctx.fillText(said, x, base);
    swatch(ctx, level, x - 6, base - 3.3, 2.9, theme, clear);
    if (differs) swatch(ctx, other.level, x - 15, base - 3.3, 2.6, theme, 1, true);
    label(ctx, column.name, left, base, x - (differs ? 22 : 13) - left, 9.5, theme);
    return;
  }
  if (other) gauge(ctx, left + 3, right - 3, base + 4.8, other.place, theme, theme.muted, 2.5, true);
  gauge(ctx, left + 3, right - 3, base + 4.8, place, theme, colour, 2.3, false, !other);
  const said = right - left > 110 ? text : brief;
  const x = right - ctx.measureText(said).width;
  ctx.fillStyle = css(theme.text);
  ctx.fillText(said, x, base);
  label(ctx, column.name, left, base, x - 5 - left, 9.5, theme);
}

function label(ctx, name, x, y, room, size, theme) {
  if (room < 12) return;
  ctx.font = `400 ${size}px ${theme.font}`;
  ctx.fillStyle = css(theme.muted);
  ctx.fillText(short(ctx, name, room), x, y);
}

/** A name in a width: whole, or its longest words cut, letter by letter, to two letters at the least. */
function short(ctx, name, room) {
  const key = `short|${ctx.font}|${Math.floor(room)}|${name}`;
  if (!fitted.has(key)) {
    const whole = name.replaceAll("_", " ");
    const said = whole.replace(/ (\(.*\)|mm|cm|kg|g)$/, "");
    const tried = [whole, said];
    for (const words = said.split(" "); ; ) {
      const longest = words.reduce((best, word, i) => (word.length > words[best].length ? i : best), 0);
      if (words[longest].length < 3) break;
      words[longest] = words[longest].slice(0, -1);
      tried.push(words.join(" "));
    }
    fitted.set(key, tried.find((text) => ctx.measureText(text).width <= room) ?? fitting(ctx, said, room));
  }
  return fitted.get(key);
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
  if (other) gauge(ctx, bar + 3, said - 10, middle, other.place, theme, theme.muted, 3.2, true);
  gauge(ctx, bar + 3, said - 10, middle, place, theme, colour, 2.8, false, !other);
  ctx.fillStyle = css(theme.text);
  ctx.fillText(fitting(ctx, text, right - said), said, base);
}
