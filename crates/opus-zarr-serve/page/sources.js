// What to play for a place in a recording: the stored Ogg Opus, or a cut as WAV.

// Browsers mute or refuse other rates.
const SLOWEST = 0.25;
const FASTEST = 4;
/** Seconds of media that a cut has at most: WAV cannot say more than 4 GiB. */
const LONGEST_CUT = 600;

/**
 * Returns what an <audio> element plays from sample `from`: its address, the rate to play it at, where to start, and
 * how many samples go by in a second of its own time. `to` ends a selection, which is cut exactly.
 */
export function sourceFor(row, from, to, speed, canOpus) {
  const end = Math.min(to ?? row.samples, row.samples);
  // Stored samples are played at 48 kHz, whatever their true rate.
  const playbackRate = (speed * row.real_rate) / 48000;
  if (to === undefined && canOpus && playbackRate >= SLOWEST && playbackRate <= FASTEST) {
    return { url: opusUrl(row), playbackRate, first: 0, seek: from / 48000, perSecond: 48000, end };
  }
  const perSecond = row.real_rate * speed;
  const last = Math.min(end, from + Math.floor(LONGEST_CUT * perSecond));
  return { url: cutUrl(row, from, last, speed), playbackRate: 1, first: from, seek: 0, perSecond, end: last };
}

export function opusUrl(row) {
  return `audio/${encodeURIComponent(row.name)}.opus`;
}

export function cutUrl(row, from, to, speed = 1) {
  const query = new URLSearchParams({ from: String(from), to: String(to) });
  if (speed !== 1) query.set("speed", String(speed));
  return `audio/${encodeURIComponent(row.name)}.wav?${query}`;
}
