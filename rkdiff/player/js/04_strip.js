// Strips of tiles: as few rows as tiles of a fair size allow. Rows of tables are read, so their tiles are wide and hold the nearest row too.

const TILE = 8; // between tiles
const ROWS = { line: 14.5, lines: 4, least: 90, two: 130, most: 320 }; // tiles of rows: of a line, lines, widths

/** Numbers of columns that leave no row emptier than it must be: 6 things go in 6, 3, 2 or 1, never in 5. */
const evenColumns = (k) => Array.from({ length: k }, (_, i) => k - i).filter((c) => c === Math.ceil(k / Math.ceil(k / c)));

/** A strip of tiles in a width; where a height is given, tiles are as large as fits into it. */
function strip(objects, width, room = 0) {
  if (!objects) return null;
  return objects.kind === "tables" ? rowTiles(objects, width, room) : squareTiles(objects, width, room);
}

function squareTiles(objects, width, room) {
  const k = objects.particles.length;
  const pair = objects.nearest ? 2 : 1;
  const shape = (columns) => {
    const rows = Math.ceil(k / columns);
    const across = Math.floor((width - TILE * (columns - 1)) / columns);
    const down = Math.floor(((room - LINE.label) / rows - TILE - 6) / pair);
    const side = room ? Math.max(30, Math.min(160, across, down)) : Math.min(96, across);
    const step = side * pair + (pair > 1 ? 4 : 0) + TILE + 2;
    return { columns, side, wide: side, step, rows, pair, height: LINE.label + rows * step };
  };
  const all = evenColumns(k).map(shape);
  const least = Math.min(50, (width - 3 * TILE) / 4);
  const fair = room ? all.toSorted((p, q) => q.side - p.side) : all.filter((s) => s.side >= least);
  return fair[0] ?? all[0];
}

function rowTiles({ particles, columns: fields }, width, room) {
  const k = particles.length;
  const shape = (columns) => {
    const rows = Math.ceil(k / columns);
    const wide = Math.min(ROWS.most, Math.floor((width - TILE * (columns - 1)) / columns));
    const split = wide >= ROWS.two && fields.length > ROWS.lines ? 2 : 1;
    const need = Math.ceil(fields.length / split) * ROWS.line + 8;
    const down = room ? (room - LINE.label) / rows - TILE - 2 : ROWS.lines * ROWS.line + 8;
    const side = Math.floor(Math.max(30, Math.min(room ? 1.4 * need : need, down)));
    const fit = Math.min(fields.length, split * Math.floor((side - 8) / (ROWS.line - 1.5)));
    const step = side + TILE + 2;
    return { columns, side, wide, split, fit, step, rows, pair: 1, height: LINE.label + rows * step };
  };
  const all = evenColumns(k).map(shape);
  if (room) return all.toSorted((p, q) => q.fit - p.fit || Math.min(q.wide, 260) - Math.min(p.wide, 260))[0];
  return all.find((s) => s.wide >= ROWS.two) ?? all.find((s) => s.wide >= ROWS.least) ?? all.at(-1);
}
