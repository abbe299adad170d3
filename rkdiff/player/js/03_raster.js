// Particles, trails and arrows are blended into one buffer of pixels: several times cheaper than one canvas call for each of them.

const PHASES = 4; // sub-pixel positions a sprite is drawn at, along each axis

class Raster {
  /** A buffer of width x height device pixels; `pixel` is how many of them make one CSS pixel. */
  constructor(width, height, pixel) {
    this.image = new ImageData(width, height);
    this.buffer = new Uint32Array(this.image.data.buffer);
    Object.assign(this, { width, height, pixel, sprites: new Map() });
  }

  /** Masks of a shape at every sub-pixel phase: places relative to the centre and opacities 0..256. */
  sprite(shape, radius) {
    const key = `${shape} ${radius}`;
    if (!this.sprites.has(key)) this.sprites.set(key, this.cut(shape, radius));
    return this.sprites.get(key);
  }

  cut(shape, radius) {
    const reach = Math.ceil(radius * 1.5 + 1);
    const side = 2 * reach + 1;
    const canvas = document.createElement("canvas");
    canvas.width = side * PHASES;
    canvas.height = side * PHASES;
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    for (let py = 0; py < PHASES; py++) {
      for (let px = 0; px < PHASES; px++) {
        trace(ctx, shape, px * side + reach + (px + 0.5) / PHASES, py * side + reach + (py + 0.5) / PHASES, radius);
        ctx.fill();
      }
    }
    const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
    const phases = [];
    for (let p = 0; p < PHASES * PHASES; p++) {
      const [px, py] = [p % PHASES, Math.floor(p / PHASES)];
      const cells = [];
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const a = data[4 * ((py * side + y) * canvas.width + px * side + x) + 3];
          if (a > 8) cells.push([x - reach, y - reach, a]);
        }
      }
      phases.push({
        dx: Int32Array.from(cells, (c) => c[0]),
        dy: Int32Array.from(cells, (c) => c[1]),
        skip: Int32Array.from(cells, (c) => c[1] * this.width + c[0]),
        alpha: Int32Array.from(cells, (c) => Math.round((c[2] * 256) / 255)),
      });
    }
    return { reach, phases };
  }

  /** Stamp a sprite at every (x, y) of `places` that `of` names; opacity 0..1. */
  stamp(places, of, sprite, [r, g, b], opacity) {
    const { buffer, width, height } = this;
    const redBlue = (b << 16) | r;
    const green = g << 8;
    const weight = Math.round(opacity * 256);
    const { reach, phases } = sprite;
    for (let k = 0; k < of.length; k++) {
      const x = places[2 * of[k]];
      const y = places[2 * of[k] + 1];
      if (!(x > -reach && y > -reach && x < width + reach && y < height + reach)) continue;
      const left = Math.floor(x);
      const top = Math.floor(y);
      const phase = phases[Math.trunc((x - left) * PHASES) + PHASES * Math.trunc((y - top) * PHASES)];
      const inside = left >= reach && top >= reach && left < width - reach && top < height - reach;
      const start = top * width + left;
      const { skip, alpha, dx, dy } = phase;
      for (let c = 0; c < skip.length; c++) {
        if (!inside) {
          const cx = left + dx[c];
          const cy = top + dy[c];
          if (cx < 0 || cy < 0 || cx >= width || cy >= height) continue;
        }
        const at = start + skip[c];
        const a = (alpha[c] * weight) >> 8;
        const old = buffer[at];
        const rb = ((Math.imul(old & 0xff00ff, 256 - a) + Math.imul(redBlue, a)) >>> 8) & 0xff00ff;
        const gg = ((Math.imul(old & 0xff00, 256 - a) + Math.imul(green, a)) >>> 8) & 0xff00;
        buffer[at] = 0xff000000 | rb | gg;
      }
    }
  }

  /** A thin smooth line; the first end is drawn and the last is not, so that joined pieces do not show their joints. */
  line(x0, y0, x1, y1, redBlue, green, weight) {
    const { buffer, width, height } = this;
    const steep = Math.abs(y1 - y0) > Math.abs(x1 - x0);
    const back = steep ? y0 > y1 : x0 > x1;
    const u0 = steep ? (back ? y1 : y0) : back ? x1 : x0;
    const u1 = steep ? (back ? y0 : y1) : back ? x0 : x1;
    const v0 = steep ? (back ? x1 : x0) : back ? y1 : y0;
    const v1 = steep ? (back ? x0 : x1) : back ? y0 : y1;
    const end = Math.min(steep ? height : width, Math.ceil(u1 - 0.5));
    let i = Math.max(0, Math.ceil(u0 - 0.5));
    if (i >= end) return;
    const across = (steep ? width : height) - 1;
    const stepAlong = steep ? width : 1;
    const stepAcross = steep ? 1 : width;
    const slope = (v1 - v0) / (u1 - u0);
    for (let v = v0 + slope * (i + 0.5 - u0) - 0.5; i < end; i++, v += slope) {
      if (v < 0 || v >= across) continue;
      const j = v | 0;
      const far = ((v - j) * weight) | 0;
      const near = weight - far;
      const at = i * stepAlong + j * stepAcross;
      const a = buffer[at];
      const ra = ((Math.imul(a & 0xff00ff, 256 - near) + Math.imul(redBlue, near)) >>> 8) & 0xff00ff;
      const ga = ((Math.imul(a & 0xff00, 256 - near) + Math.imul(green, near)) >>> 8) & 0xff00;
      buffer[at] = 0xff000000 | ra | ga;
      const b = buffer[at + stepAcross];
      const rb = ((Math.imul(b & 0xff00ff, 256 - far) + Math.imul(redBlue, far)) >>> 8) & 0xff00ff;
      const gb = ((Math.imul(b & 0xff00, 256 - far) + Math.imul(green, far)) >>> 8) & 0xff00;
      buffer[at + stepAcross] = 0xff000000 | rb | gb;
    }
  }

  /** Lines from each place in `from` to the same in `to` for the particles `of`. */
  lines(from, to, of, [r, g, b], opacity) {
    const redBlue = (b << 16) | r;
    const weight = Math.round(opacity * 256);
    const { width, height } = this;
    for (let k = 0; k < of.length; k++) {
      const i = 2 * of[k];
      const x0 = from[i];
      const y0 = from[i + 1];
      const x1 = to[i];
      const y1 = to[i + 1];
      if ((x0 < 0 && x1 < 0) || (y0 < 0 && y1 < 0) || (x0 > width && x1 > width) || (y0 > height && y1 > height)) continue;
      this.line(x0, y0, x1, y1, redBlue, g << 8, weight);
    }
  }
}
