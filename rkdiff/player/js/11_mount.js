// Two doors: a component that the page calls again with every new scene, and a page of its own with the scene inside.

const players = new WeakMap();

function playerOf(root) {
  if (!players.has(root)) players.set(root, control(new Player(root)));
  return players.get(root);
}

function take(root, bytes) {
  const trouble = root.querySelector('[data-rk="trouble"]');
  try {
    const player = playerOf(root);
    if (bytes) player.load(bytes);
    trouble.textContent = bytes ? "" : "Nothing to play yet.";
    return player;
  } catch (error) {
    trouble.textContent = `This scene cannot be shown: ${error.message}`;
    return null;
  }
}

export default function mount({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".rk");
  const player = take(root, data);
  if (player) {
    player.report = (view) => setStateValue("view", view);
    player.reportDrawn = (drawn) => setStateValue("drawn", drawn);
  }
  return () => {
    players.get(root)?.destroy();
    players.delete(root);
  };
}

/** Play a scene that is written into the page as base64 text. */
function standAlone(root, text) {
  const raw = atob(text.trim());
  take(root, Uint8Array.from(raw, (c) => c.charCodeAt(0)));
}
