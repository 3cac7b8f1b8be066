// Keys of the spectrogram.

const STEP = 0.1;
const ZOOM = 0.7;

/** Connects the keys of a canvas to actions. */
export function connect(canvas, actions) {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    const action = event.altKey ? boxAction(event, actions) : plainAction(event, actions);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function plainAction(event, actions) {
  const byKey = {
    ArrowLeft: () => actions.pan(-STEP, 0),
    ArrowRight: () => actions.pan(STEP, 0),
    ArrowUp: () => actions.pan(0, STEP),
    ArrowDown: () => actions.pan(0, -STEP),
    "+": () => actions.zoomTime(ZOOM),
    "=": () => actions.zoomTime(ZOOM),
    "-": () => actions.zoomTime(1 / ZOOM),
    "]": () => actions.zoomBand(ZOOM),
    "[": () => actions.zoomBand(1 / ZOOM),
    Home: actions.toStart,
    End: actions.toEnd,
    f: actions.fit,
    p: () => actions.step(-1),
    n: () => actions.step(1),
    " ": actions.togglePlay,
    ",": () => actions.moveCursor(-0.01),
    ".": () => actions.moveCursor(0.01),
    s: actions.boxAtCursor,
    Enter: actions.listen,
    l: actions.copyLink,
    Escape: actions.escape,
    "?": actions.help,
  };
  return byKey[event.key.length === 1 ? event.key.toLowerCase() : event.key];
}

function boxAction(event, actions) {
  const [right, up] = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
  }[event.key] ?? [];
  if (right === undefined) return undefined;
  return () => actions.moveBox(right * 0.01, up * 0.02, event.shiftKey);
}
