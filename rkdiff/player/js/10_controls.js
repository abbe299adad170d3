// Buttons, slider, keys and pointer: they call the player and show its state, nothing more.

const STEPS = 10; // frames of a shifted arrow key
const LETTERS = { t: "trails", a: "arrows", d: "density", l: "links", s: "slices" };

function control(player) {
  const { root, canvas } = player;
  const { signal } = player.abort;
  const part = (name) => root.querySelector(`[data-rk="${name}"]`);
  const slider = part("time");
  const play = part("play");
  const on = (node, event, act) => node.addEventListener(event, act, { signal });

  on(play, "click", () => player.toggle());
  on(part("back"), "click", () => player.step(-1));
  on(part("forth"), "click", () => player.step(1));
  on(slider, "input", () => player.seek(slider.value / 1000, false));
  on(slider, "change", () => player.tell());
  on(part("speed"), "change", (e) => player.setSpeed(Number(e.target.value)));
  for (const button of root.querySelectorAll("[data-layer]")) on(button, "click", () => player.layer(button.dataset.layer));
  on(part("next"), "click", () => player.nextSlice());
  on(part("draw"), "click", () => player.sketch.take(!player.sketch.on));
  on(part("undo"), "click", () => player.sketch.undo());
  on(part("clear"), "click", () => player.sketch.clear());
  sketchControl(player, on);
  on(part("save"), "click", () => savePicture(player));
  on(part("full"), "click", () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.()));
  part("full").hidden = !root.requestFullscreen;
  on(root, "keydown", (event) => keys(player, event));
  on(document, "keydown", (event) => {
    // nothing has the focus: the first player on the page takes the keys that move time
    const moves = [" ", "ArrowLeft", "ArrowRight"].includes(event.key);
    if (moves && event.target === document.body && window.__rk[0] === player) keys(player, event);
  });

  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return player.renderer.plan ? player.renderer.find(event.clientX - box.left, event.clientY - box.top) : null;
  };
  const dial = (event) => {
    if (!player.renderer.plan || !player.state.layers.slices) return null;
    const box = canvas.getBoundingClientRect();
    const within = event.pointerType === "touch" ? 1.5 * SLICE.reach : SLICE.reach;
    return dialAngle(player.renderer, event.clientX - box.left, event.clientY - box.top, within);
  };
  on(canvas, "pointermove", (event) => {
    if (event.pointerType !== "mouse" || player.sketch.on) return;
    const angle = dial(event);
    player.hoverSlice(angle);
    player.hoverParticle(angle === null ? spot(event) : null);
    if (angle !== null) canvas.style.cursor = "pointer";
    else if (player.state.hover === null) canvas.style.cursor = "";
  });
  on(canvas, "pointerleave", () => {
    player.hoverSlice(null);
    player.hoverParticle(null);
  });
  on(canvas, "click", (event) => {
    if (player.sketch.on) return;
    const angle = dial(event);
    if (angle !== null) return player.chooseSlice(angle);
    const found = spot(event);
    player.followParticle(found === player.follow ? null : found);
  });

  let said = "";
  let shown = 0;
  let told = 0;
  player.moved = () => {
    const now = performance.now();
    if (player.playing && now - shown < 30) return; // half of the frames is smooth enough for a thumb
    shown = now;
    slider.value = Math.round(player.t * 1000);
    slider.style.setProperty("--rk-done", `${player.t * 100}%`);
    const percent = `${Math.round(player.t * 100)} %`;
    if (percent !== said) {
      part("clock").textContent = said = percent;
      slider.setAttribute("aria-valuetext", `${percent} from ${player.scene.ends.join(" to ")}`);
    }
    if (now - told > 1000) {
      told = now;
      canvas.setAttribute("aria-label", describe(player));
    }
  };
  player.changed = (done = true) => show(player, part, done);
  return player;
}

function show(player, part, done) {
  const { root, canvas, scene, state } = player;
  const single = !scene || scene.frames === 1;
  const label = state.playing ? "Pause" : "Play";
  const play = part("play");
  root.classList.toggle("rk-playing", state.playing);
  root.classList.toggle("rk-single", single);
  play.setAttribute("aria-label", label);
  play.title = `${label} (space)`;
  for (const name of ["play", "back", "forth", "time", "speed"]) part(name).disabled = single;
  part("speed").value = String(state.speed);
  part("from").textContent = single ? "" : scene.ends[0];
  part("middle").textContent = scene?.ends.length === 3 && !single ? scene.ends[1] : "";
  part("to").textContent = single ? "" : scene.ends.at(-1);
  for (const button of root.querySelectorAll("[data-layer]")) {
    button.hidden = !scene || !player.has(button.dataset.layer);
    button.setAttribute("aria-pressed", String(Boolean(state.layers[button.dataset.layer])));
  }
  const { sketch } = player;
  part("next").hidden = !scene || !player.has("slices") || !state.layers.slices;
  part("drawing").hidden = !scene?.drawing;
  part("draw").setAttribute("aria-pressed", String(sketch.on));
  for (const name of ["undo", "clear"]) {
    part(name).hidden = !sketch.on && !sketch.strokes.length;
    part(name).disabled = !sketch.strokes.length;
  }
  root.classList.toggle("rk-draws", sketch.on);
  if (!done) return;
  const words = describe(player);
  canvas.setAttribute("aria-label", words);
  part("summary").textContent = words;
}

/** One sentence of what is to be seen, for those who do not see it. */
function describe({ scene, t, follow, playing, state, sketch }) {
  if (!scene) return "Nothing to play yet.";
  const at = moment(scene, t);
  const names = scene.panels.map((p) => p.title).join(", ");
  const count = scene.panels.length === 1 ? "One panel" : `${scene.panels.length} panels`;
  const n = scene.panels.map((p) => cloudOf(p, at).n);
  const way = scene.frames === 1 ? "A single moment" : `${scene.ends.join(" to ")}, ${Math.round(t * 100)} percent of the way`;
  const values = Object.entries(cloudOf(scene.panels[0], at).curves).map(([k, c]) => `${k} ${figure(curveAt(c, at.frame))}`);
  const followed = follow === null ? "" : ` Following particle ${follow + 1}.${objectWords(scene, at, follow)}`;
  const slice = scene.panels.map((p) => chosenSlice(p, at, state)).find(Boolean);
  const sliced = slice ? ` ${sliceWords(slice)[1].join(", ")}.` : "";
  const drawn = sketch.count ? ` ${sketch.count} points drawn.` : "";
  const read = values.length ? ` ${values.join(", ")}.` : "";
  return `${count}: ${names}. ${Math.max(...n)} particles. ${way}.${read} ${playing ? "Playing." : "Paused."}${followed}${sliced}${drawn}`;
}

/** What a followed particle is decoded to and who pulls it, panel by panel. */
function objectWords(scene, at, particle) {
  const said = scene.panels.map((panel) => {
    const k = foreign(panel, at) ? -1 : (panel.objects?.particles.indexOf(particle) ?? -1);
    if (k < 0) return "";
    const when = bracket(panel.objects.u, at.u);
    const [pull] = pullWords(pullsOn(panel, at, particle));
    return [inWords(panel.objects, when, k), validAt(panel.objects, when, k) ? "" : "not valid", pull].filter(Boolean).join("; ");
  });
  const some = said.filter(Boolean);
  return some.length ? ` ${some.join(". ")}.` : "";
}

function keys(player, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
  const { key } = event;
  const onButton = event.target.matches("button");
  const steps = event.shiftKey ? STEPS : 1;
  if (key === " " && !onButton) player.toggle();
  else if (key === "ArrowLeft") player.step(-steps);
  else if (key === "ArrowRight") player.step(steps);
  else if (key === "Home") player.seek(0);
  else if (key === "End") player.seek(1);
  else if (key === "+" || key === "=") player.faster(1);
  else if (key === "-") player.faster(-1);
  else if (key === "Escape" && player.sketch.on) player.sketch.take(false);
  else if (key === "b" && player.scene?.drawing) player.sketch.take(!player.sketch.on);
  else if (key.toLowerCase() === "n" && player.scene && player.has("slices")) player.nextSlice(key === "n" ? 1 : -1);
  else if (key === "Escape" && player.follow !== null) player.followParticle(null);
  else if (LETTERS[key] && player.has(LETTERS[key])) player.layer(LETTERS[key]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** The canvas on its ground, as a PNG file. */
function savePicture({ canvas, theme, scene }) {
  if (!scene) return;
  const margin = 24 * (canvas.width / canvas.clientWidth);
  const copy = document.createElement("canvas");
  Object.assign(copy, { width: canvas.width + 2 * margin, height: canvas.height + 2 * margin });
  const ctx = copy.getContext("2d");
  ctx.fillStyle = css(theme.ground);
  ctx.fillRect(0, 0, copy.width, copy.height);
  ctx.drawImage(canvas, margin, margin);
  copy.toBlob((blob) => {
    const link = document.createElement("a");
    const name = scene.title || scene.panels.map((p) => p.title).join(" ");
    link.download = `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "scene"}.png`;
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }, "image/png");
}
