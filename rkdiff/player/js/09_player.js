// The clock and the state: what plays, where it stands, whom it follows. Same t, same picture, whichever way one came there.

const PASS = 5; // seconds from one end to the other at normal speed
const HOLD = 1.4; // seconds at the end before it starts again
const GLIDE = 350; // milliseconds from one live snapshot to the next
const MARGIN = 16; // CSS pixels left free under the controls
const SHARE = 0.68; // of the window that picture and controls take at most
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const LAYERS = ["trails", "arrows", "density", "target", "links", "slices"];
const still = matchMedia("(prefers-reduced-motion: reduce)");

class Player {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.renderer = new Renderer(this.canvas);
    this.scene = null;
    this.draws = 0;
    this.lastDrawMs = 0;
    this.state = { t: 0, playing: false, speed: 1, follow: null, hover: null, slice: 0.6, sliceHover: null, layers: {} };
    this.sketch = new Sketch(this);
    this.renderer.sketch = this.sketch;
    this.report = () => {};
    this.reportDrawn = () => {};
    this.changed = () => {};
    this.moved = () => {};
    this.seen = true;
    this.abort = new AbortController();
    this.tick = this.tick.bind(this);
    this.watch();
    (window.__rk ??= []).push(this);
  }

  get t() {
    return this.state.t;
  }
  get playing() {
    return this.state.playing;
  }
  get follow() {
    return this.state.follow;
  }
  get digest() {
    return this.scene?.digest ?? null;
  }

  /** Take a packed scene. Equal bytes change nothing; new bytes of the same run keep the clock; a new run starts over. */
  load(bytes) {
    const scene = unpack(bytes);
    if (scene.digest === this.digest) return;
    const old = this.scene;
    const same = old !== null && old.run === scene.run;
    this.glide = null;
    if (same && old.frames === 1 && scene.frames === 1 && !still.matches) {
      this.glide = { from: this.renderer.heads.map((h) => h.slice()), start: performance.now() };
    }
    this.scene = scene;
    this.sketch.fit(scene);
    const { state } = this;
    for (const layer of LAYERS) if (!(layer in state.layers) && this.has(layer)) state.layers[layer] = scene.show.includes(layer);
    if (!same) {
      state.follow = null;
      state.hover = null;
      state.t = still.matches || scene.frames === 1 ? 1 : 0;
      state.playing = !still.matches && scene.frames > 1 && !this.sketch.active;
    } else if (scene.frames === 1) state.playing = false;
    else if (old.frames === 1) Object.assign(state, { t: still.matches ? 1 : 0, playing: !still.matches });
    if (state.follow !== null && state.follow >= this.largest()) state.follow = null;
    this.held = 0;
    this.changed(); // the controls first: their height decides the picture's
    this.settle();
    this.wake();
  }

  largest() {
    return Math.max(...this.scene.panels.flatMap((p) => [p.backward.n, p.forward?.n ?? 0]));
  }

  /** Lay out again: new scene, new size, new theme, or another set of layers under the cloud. */
  settle() {
    if (!this.scene) return;
    const width = Math.floor(this.canvas.parentElement.clientWidth);
    if (width < 40) return;
    const whole = this.root.matches(":fullscreen");
    const room = whole ? innerHeight - this.controls() - 58 : this.room();
    this.theme = readTheme(this.root);
    this.renderer.prepare(this.scene, this.theme, width, room, this.state.layers);
    this.width = width;
    this.draw();
  }

  /** Height for the picture, so that it and its controls fit on the screen under what the page shows above them. */
  room() {
    this.above ??= Math.min(0.45 * innerHeight, Math.max(0, this.root.getBoundingClientRect().top + scrollY));
    return Math.max(330, Math.min(780, SHARE * innerHeight - this.controls(), innerHeight - this.above - this.controls() - MARGIN));
  }

  /** Height of what stands under the picture. */
  controls() {
    return this.root.querySelector(".rk-controls").offsetHeight;
  }

  draw() {
    if (!this.scene || !this.renderer.plan) return;
    const begin = performance.now();
    const way = this.glide ? Math.min(1, (begin - this.glide.start) / GLIDE) : 1;
    const mix = way * way * (3 - 2 * way);
    this.renderer.draw(this.state, this.glide?.from, mix);
    if (way >= 1) this.glide = null;
    this.moved();
    this.draws++;
    this.lastDrawMs = performance.now() - begin;
  }

  tick(now) {
    this.raf = 0;
    const { state } = this;
    if (!this.seen || document.hidden || !(state.playing || this.glide)) return;
    const passed = Math.min(0.1, Math.max(0, (now - (this.last ?? now)) / 1000)) * state.speed;
    this.last = now;
    if (state.playing) this.advance(passed);
    this.draw();
    this.raf = requestAnimationFrame(this.tick);
  }

  advance(passed) {
    const { state } = this;
    if (state.t >= 1) {
      this.held += passed / state.speed;
      if (this.held < HOLD) return;
      this.held = 0;
      state.t = 0;
      return;
    }
    state.t = Math.min(1, state.t + passed / (PASS * this.scene.legs.length));
  }

  /** Run the clock if there is something to run and someone to see it. */
  wake() {
    this.last = null;
    if (!this.raf) this.raf = requestAnimationFrame(this.tick);
  }

  play() {
    if (!this.scene || this.scene.frames === 1) return;
    if (this.t >= 1) this.state.t = 0;
    this.held = 0;
    this.state.playing = true;
    this.wake();
    this.changed();
  }

  /** Stop the clock without telling the page. */
  rest() {
    if (!this.playing) return;
    this.state.playing = false;
    this.changed();
  }

  pause() {
    this.state.playing = false;
    this.changed();
    this.tell();
  }

  toggle() {
    this.playing ? this.pause() : this.play();
  }

  /** Go to a time; the clock stops there. */
  seek(t, done = true) {
    if (!this.scene) return;
    this.state.t = Math.min(1, Math.max(0, t));
    this.state.playing = false;
    this.draw();
    this.changed(done);
    if (done) this.tell();
  }

  /** Frames forward or back along the play clock. */
  step(frames) {
    if (!this.scene || this.scene.frames === 1) return;
    const whole = (this.scene.frames - 1) * this.scene.legs.length;
    this.seek((Math.round(this.t * whole) + frames) / whole);
  }

  setSpeed(speed) {
    this.state.speed = speed;
    this.changed();
  }

  faster(by) {
    const i = SPEEDS.indexOf(this.state.speed) + by;
    if (i >= 0 && i < SPEEDS.length) this.setSpeed(SPEEDS[i]);
  }

  layer(name) {
    this.state.layers[name] = !this.state.layers[name];
    if (["density", "target", "slices"].includes(name)) this.settle();
    else this.draw();
    this.changed();
  }

  /** Layers this scene has something to show for. */
  has(name) {
    if (name === "trails") return this.scene.frames > 1;
    return this.scene.panels.some((p) => (name === "links" ? p.objects?.pull : p[name]));
  }

  followParticle(k) {
    this.state.follow = k;
    this.draw();
    this.changed();
    this.tell();
  }

  hoverParticle(k) {
    if (k === this.state.hover) return;
    this.state.hover = k;
    this.canvas.style.cursor = k === null ? "" : "pointer";
    if (!this.playing) this.draw();
  }

  /** Choose the direction nearest to an angle (0..pi), in every panel that has directions. */
  chooseSlice(angle) {
    Object.assign(this.state, { slice: angle, sliceHover: null });
    this.draw();
    this.changed();
  }

  hoverSlice(angle) {
    if (angle === this.state.sliceHover) return;
    this.state.sliceHover = angle;
    if (!this.playing) this.draw();
  }

  /** The direction `by` places on from the chosen one. */
  nextSlice(by = 1) {
    const panel = this.scene?.panels.find((p) => p.slices);
    if (!panel || !this.state.layers.slices) return;
    const { a, k, of } = chosenSlice(panel, moment(this.scene, this.t), { ...this.state, sliceHover: null });
    this.chooseSlice(direction(panel.slices, a, (k + by + of) % of)[3]);
  }

  /** Where a particle is now, in CSS pixels of the canvas. */
  place(panel, k) {
    const { plan, heads, pixel } = this.renderer;
    const { box } = plan.cells[panel];
    return { x: box.x + heads[panel][2 * k] / pixel, y: box.y + heads[panel][2 * k + 1] / pixel };
  }

  /** Where the number of a particle stands. */
  numberAt(panel, k) {
    const { x, y } = this.place(panel, k);
    return beside(x, y, this.renderer.plan.cells[panel].box);
  }

  /** Hand time and followed particle to the page, once things are quiet. */
  tell() {
    clearTimeout(this.pending);
    this.pending = setTimeout(() => this.report({ t: this.t, follow: this.follow }), 250);
  }

  watch() {
    const { signal } = this.abort;
    this.sizes = new ResizeObserver(() => {
      if (Math.floor(this.canvas.parentElement.clientWidth) !== this.width) this.settle();
    });
    this.sizes.observe(this.canvas.parentElement);
    this.view = new IntersectionObserver((entries) => {
      this.seen = entries.at(-1).isIntersecting;
      if (this.seen) this.wake();
    });
    this.view.observe(this.canvas);
    document.addEventListener("visibilitychange", () => this.wake(), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.settle(), { signal });
    this.root.addEventListener("transitionend", (e) => e.target === this.root && this.settle(), { signal });
    document.addEventListener("fullscreenchange", () => requestAnimationFrame(() => this.settle()), { signal });
    document.fonts?.addEventListener("loadingdone", () => this.settle(), { signal });
  }

  destroy() {
    this.abort.abort();
    this.sizes.disconnect();
    this.view.disconnect();
    cancelAnimationFrame(this.raf);
    clearTimeout(this.pending);
    this.state.playing = false;
    window.__rk = window.__rk.filter((p) => p !== this);
  }
}
