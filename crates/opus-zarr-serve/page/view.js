// What part of a lane is seen: seconds from `from` to `to`, frequencies from `low` to `high`. Pure functions.

const SHORTEST = 0.002;
const NARROWEST = 100;

/** Returns a view of a whole recording. */
export function whole(recording) {
  return { from: recording.start, to: recording.end, low: 0, high: recording.nyquist };
}

/** Returns limits: a lane's extent with a margin, so that its ends can be in the middle, and all frequencies. */
export function limitsOf({ from, to, nyquist }) {
  const margin = (to - from) / 2;
  return { from: from - margin, to: to + margin, nyquist };
}

/** Zooms in time by a factor below 1, out above 1; what is at `anchor` stays where it is. */
export function zoomTime(view, factor, anchor, limits) {
  const span = view.to - view.from;
  const wanted = clamp(span * factor, SHORTEST, limits.to - limits.from);
  const share = (anchor - view.from) / span;
  return fit({ ...view, from: anchor - wanted * share, to: anchor + wanted * (1 - share) }, limits);
}

/** Zooms in frequency. */
export function zoomBand(view, factor, anchor, limits) {
  const span = view.high - view.low;
  const wanted = clamp(span * factor, NARROWEST, limits.nyquist);
  const share = (anchor - view.low) / span;
  return fit({ ...view, low: anchor - wanted * share, high: anchor + wanted * (1 - share) }, limits);
}

/** Moves by shares of what is seen. */
export function pan(view, right, up, limits) {
  const time = (view.to - view.from) * right;
  const band = (view.high - view.low) * up;
  return fit({ from: view.from + time, to: view.to + time, low: view.low + band, high: view.high + band }, limits);
}

/** Moves in time so that a moment is in the middle. */
export function centre(view, time, limits) {
  const half = (view.to - view.from) / 2;
  return fit({ ...view, from: time - half, to: time + half }, limits);
}

/** Returns a view of a box with half of its size on each side. */
export function around(box, limits) {
  const [time, band] = [(box.to - box.from) / 2, (box.high - box.low) / 2];
  return fit({ from: box.from - time, to: box.to + time, low: box.low - band, high: box.high + band }, limits);
}

/** Whether a state shows all frequencies of its lane. */
export function hasAllFrequencies({ view, lane }) {
  return view !== undefined && view.low <= 0 && view.high >= lane.nyquist;
}

/** Pushes a view back into its limits. */
export function fit(view, limits) {
  const [from, to] = push(view.from, view.to, limits.from, limits.to);
  const [low, high] = push(view.low, view.high, 0, limits.nyquist);
  return { from, to, low, high };
}

function push(from, to, least, most) {
  const span = Math.min(to - from, most - least);
  const start = clamp(from, least, most - span);
  return [start, start + span];
}

export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
