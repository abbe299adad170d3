// A packed scene becomes views on its bytes: value = stored * scale + zero (the format is described in blob.py).

const TYPES = { int16: Int16Array, uint8: Uint8Array, float32: Float32Array };
const LEGS = {
  backward: [{ key: "backward", sign: 1 }],
  forward: [{ key: "forward", sign: -1 }],
  both: [{ key: "forward", sign: -1 }, { key: "backward", sign: 1 }],
};
const ENDS = ["noise", "data"]; // of u, where the scene does not name them

function unpack(given) {
  const bytes = given instanceof Uint8Array ? given : new Uint8Array(given);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  if (header.version !== 1) throw new Error(`this player reads scenes of version 1, not ${header.version}`);
  const body = bytes.slice((4 + length + 3) & ~3).buffer;
  const walk = (value) => {
    if (Array.isArray(value)) return value.map(walk);
    if (!value || typeof value !== "object") return value;
    if ("offset" in value) {
      const size = value.shape.reduce((a, b) => a * b, 1);
      return { ...value, data: new TYPES[value.dtype](body, value.offset, size) };
    }
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, walk(v)]));
  };
  const scene = walk(header);
  for (const { slices } of scene.panels) if (slices) checkSlices(slices);
  scene.legs = LEGS[scene.direction];
  const [first, last] = scene.ends ?? ENDS;
  scene.ends = { backward: [first, last], forward: [last, first], both: [last, first, last] }[scene.direction];
  return scene;
}

/** Where the play clock t (0..1) stands: which leg, the screen's clock u (0 noise, 1 data), the frame as a real number. */
function moment(scene, t) {
  const k = scene.legs.length;
  const i = Math.min(k - 1, Math.floor(t * k));
  const way = Math.min(1, Math.max(0, t * k - i));
  const { key, sign } = scene.legs[i];
  const u = sign > 0 ? way : 1 - way;
  return { leg: i, key, sign, u, frame: u * (scene.frames - 1) };
}

/** The moving cloud of a panel on a leg; a scene without a noising trajectory plays its only one backwards. */
const cloudOf = (panel, at) => panel[at.key] ?? panel.backward;

/** Positions at a whole frame, from the middle of the view in units of the view, times `by`, into `out`. */
function placeAt(cloud, frame, by, out) {
  const { data, scale } = cloud.positions;
  const step = scale[frame] * by;
  for (let i = 0, from = frame * cloud.n * 2, to = cloud.n * 2; i < to; i++) out[i] = data[from + i] * step;
  return out;
}

/** Positions at a real frame, linear between its neighbours. */
function placeBetween(cloud, frame, by, out) {
  const { data, scale } = cloud.positions;
  const low = Math.min(Math.floor(frame), scale.length - 1);
  const high = Math.min(low + 1, scale.length - 1);
  const mix = frame - low;
  const a = scale[low] * by * (1 - mix);
  const b = scale[high] * by * mix;
  const width = cloud.n * 2;
  for (let i = 0, p = low * width, q = high * width; i < width; i++) out[i] = data[p + i] * a + data[q + i] * b;
  return out;
}

/** A curve of the read-out at a real frame; infinite only where it was stored so. */
function curveAt(curve, frame) {
  const low = Math.min(Math.floor(frame), curve.data.length - 1);
  const high = Math.min(low + 1, curve.data.length - 1);
  const [a, b] = [curve.data[low], curve.data[high]];
  if (frame === low || !Number.isFinite(a + b)) return frame - low < 0.5 ? a : b;
  return a + (b - a) * (frame - low);
}

/** Index and weight of a time within an increasing list of times. */
function bracket(times, u) {
  let i = 0;
  while (i < times.length - 2 && times[i + 1] <= u) i++;
  if (times.length < 2) return [0, 0, 0];
  const w = (u - times[i]) / (times[i + 1] - times[i]);
  return [i, i + 1, Math.min(1, Math.max(0, w))];
}
