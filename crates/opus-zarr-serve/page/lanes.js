// Recordings on lanes. A lane is a station's recordings at one rate by one clock, on one time axis.

const NO_STATION = "no station";

/** Turns rows of the listing into recordings with places on a time axis, in order of time; those without one are last. */
export function recordings(rows) {
  const order = (one) => (one.clock === "none" ? Infinity : one.start);
  const byName = (a, b) => (a.row.name < b.row.name ? -1 : 1);
  return rows.map(recording).sort((a, b) => (order(a) === order(b) ? byName(a, b) : order(a) - order(b)));
}

/**
 * Returns a recording. `start` is in seconds since 1970, in UTC if `clock` is "utc", by the recorder's clock if
 * "local", and 0 if "none". `offset` leads from UTC to the recorder's clock.
 */
export function recording(row) {
  const rate = row.real_rate / (1 + (row.drift_ppt ?? 0) / 1e12);
  const seconds = row.samples / rate;
  const local = row.local_start ? moment(row.local_start) : undefined;
  const utc = row.start ? moment(row.start) : undefined;
  const place = utc !== undefined
    ? { clock: "utc", start: utc, offset: offsetOf(utc, local) }
    : { clock: local === undefined ? "none" : "local", start: local ?? 0, offset: 0 };
  const station = row.site || NO_STATION;
  return { row, rate, seconds, station, end: place.start + seconds, nyquist: row.real_rate / 2, ...place };
}

/** Returns seconds since 1970. A time without a zone counts as if it were UTC. */
export function moment(text) {
  const parts = /^(.*T[0-9:]+)(\.[0-9]+)?(Z|[+-][0-9:]+)?$/.exec(text);
  if (!parts) return undefined;
  // Dates hold milliseconds, so the fraction is added to whole seconds.
  const whole = Date.parse(parts[1] + (parts[3] ?? "Z")) / 1000;
  return Number.isNaN(whole) ? undefined : whole + Number(parts[2] ?? 0);
}

// A corrected clock is off by seconds, and zones by quarters of an hour.
function offsetOf(utc, local) {
  return local === undefined ? 0 : Math.round((local - utc) / 900) * 900;
}

/** Groups recordings, which are in order of time, into lanes: stations in order of the alphabet. */
export function lanes(all) {
  const byKey = new Map();
  for (const one of all) {
    const key = laneKey(one);
    const { clock, start: from, end: to, nyquist } = one;
    if (!byKey.has(key)) byKey.set(key, { key, title: laneTitle(one), clock, from, to, nyquist, recordings: [] });
    const lane = byKey.get(key);
    lane.recordings.push(one);
    lane.to = Math.max(lane.to, to);
  }
  return [...byKey.values()].sort((a, b) => a.title.localeCompare(b.title, "en"));
}

function laneKey({ row, station, clock }) {
  // Without a time, a recording has an axis of its own.
  return clock === "none" ? JSON.stringify([row.name]) : JSON.stringify([station, row.real_rate, clock]);
}

function laneTitle({ row, station, clock }) {
  if (clock === "none") return row.name;
  return row.real_rate === 48000 ? station : `${station}, ${row.real_rate / 1000} kHz`;
}

/** Returns the recordings that match a search: text in name or notes, a day of the recorder's clock, a station. */
export function search(all, { text = "", day = "", station = "" }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((one) => {
    if (station && one.station !== station) return false;
    if (day && !isOnDay(one, day)) return false;
    const hay = `${one.row.name} ${one.row.source ?? ""} ${one.row.device ?? ""} ${JSON.stringify(one.row.notes ?? {})}`;
    return words.every((word) => hay.toLowerCase().includes(word));
  });
}

function isOnDay(one, day) {
  const from = Date.parse(`${day}T00:00:00Z`) / 1000;
  if (one.clock === "none" || Number.isNaN(from)) return false;
  return one.start + one.offset < from + 86400 && one.end + one.offset > from;
}

/** Returns the recording at a time on a lane, or the nearest one; among several, the preferred one. */
export function nearest(all, time, preferred) {
  const distance = (one) => Math.max(one.start - time, time - one.end, 0);
  return all.reduce((best, one) => (best === undefined || distance(one) < distance(best) ? one : best), preferred);
}

/** Returns the stretches that recordings cover, with those closer than `gap` seconds joined. */
export function coverage(all, gap) {
  const stretches = [];
  for (const { start, end } of all) {
    const last = stretches.at(-1);
    if (last && start - last.to <= gap) last.to = Math.max(last.to, end);
    else stretches.push({ from: start, to: end });
  }
  return stretches;
}
