// Mouse, pen and fingers on the spectrogram.

const CLICK_PIXELS = 4;
const WHEEL = 1.0015;
const LINE = 30;

/**
 * Connects a canvas. `actions` are pan(right, up) in shares of the plot, zoomTime(factor, x), zoomBand(factor, y),
 * place(x), hover(x, y), leave(), drawBox(start, end) and endBox(), all in CSS pixels of the canvas.
 */
export function connect(canvas, spectrogram, isSelecting, actions) {
  const pointers = new Map();
  let start;
  let isBox = false;
  let hasMoved = false;

  const spot = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, spot(event));
    if (pointers.size === 1) {
      start = spot(event);
      isBox = event.shiftKey || isSelecting();
      hasMoved = false;
    } else isBox = false;
  });

  canvas.addEventListener("pointermove", (event) => {
    const now = spot(event);
    const before = pointers.get(event.pointerId);
    if (!before) return actions.hover(now.x, now.y);
    if (Math.hypot(now.x - start.x, now.y - start.y) > CLICK_PIXELS) hasMoved = true;
    if (!hasMoved && pointers.size === 1) return undefined;
    canvas.classList.toggle("dragging", !isBox);
    if (pointers.size === 2) pinch(event.pointerId, before, now);
    else if (isBox) actions.drawBox(start, now);
    else drag(before, now);
    pointers.set(event.pointerId, now);
    return undefined;
  });

  const drag = (before, now) => {
    const { width, height } = spectrogram.area;
    actions.pan((before.x - now.x) / width, (now.y - before.y) / height);
  };

  const pinch = (id, before, now) => {
    const [other] = [...pointers].filter(([key]) => key !== id).map(([, at]) => at);
    const [was, is] = [Math.abs(before.x - other.x), Math.abs(now.x - other.x)];
    hasMoved = true;
    if (was > 8 && is > 8) actions.zoomTime(was / is, (now.x + other.x) / 2);
    actions.pan((before.x - now.x) / 2 / spectrogram.area.width, 0);
  };

  const end = (event) => {
    if (!pointers.delete(event.pointerId) || pointers.size > 0) return;
    canvas.classList.remove("dragging");
    if (event.type === "pointercancel") return;
    if (isBox && hasMoved) actions.endBox();
    else if (!hasMoved) actions.place(start.x);
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => actions.leave());

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = spot(event);
    const unit = event.deltaMode === 0 ? 1 : LINE;
    const [right, down] = [event.deltaX * unit, event.deltaY * unit];
    const factor = WHEEL ** Math.max(-400, Math.min(400, down));
    const isBand = x < spectrogram.area.x || event.ctrlKey;
    if (event.shiftKey || Math.abs(right) > Math.abs(down)) actions.pan((right || down) / spectrogram.area.width, 0);
    else if (isBand) actions.zoomBand(factor, y);
    else actions.zoomTime(factor, x);
  }, { passive: false });

  canvas.addEventListener("dblclick", (event) => actions.zoomTime(0.5, spot(event).x));
}
