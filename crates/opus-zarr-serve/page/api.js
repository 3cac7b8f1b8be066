// Requests to the server. Addresses are relative, so that the page works behind a proxy with a path of its own.

let prefix = "";

/** Chooses the store, by what its paths begin with: "" or "/s/NAME". */
export function useStore(base) {
  prefix = base === "" ? "" : `${base.replace(/^\//, "")}/`;
}

/** Returns the stores that are served: their names, and what their paths begin with. */
export function stores() {
  return json("api/stores");
}

/** Returns the address of something in the store. */
export function address(path) {
  return prefix + path;
}

/** Fetches JSON; an error says what the server said. */
export async function json(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await reason(response)}`);
  return response.json();
}

async function reason(response) {
  const text = await response.text().catch(() => "");
  try {
    const problem = JSON.parse(text);
    return problem.detail ?? problem.title ?? response.statusText;
  } catch {
    return text.slice(0, 200) || response.statusText;
  }
}

export function listing() {
  return json(address("api/recordings"));
}

export function info(name) {
  return json(address(`api/recordings/${encodeURIComponent(name)}`));
}

export function tileAddress(name, zoom, x, query) {
  return address(`tiles/${encodeURIComponent(name)}/spectrogram/${zoom}/${x}.png?${query}`);
}
