// Strings, letter by letter, and what objects say in words.

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
  const { columns, lines, size } = setting(longest(objects), ...room, box.most ?? 17);
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
