// Client of the server that this page came from. The key is in the page's address, which alone
// knows it: the part after # is not sent, and the page removes it from the address bar.

const ROOT = new URL("./", import.meta.url).href;
const STORED = "ankleboot-label-key";
const MAX_IMAGES = 400; // images that are kept

const images = new Map(); // object URL by address, the one used last at the end

/** Take the key out of the address. */
export function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return;
  sessionStorage.setItem(STORED, key);
  history.replaceState(null, "", location.pathname);
}

/** Fetch a JSON document; `query` are parameters of the address. */
export async function get(route, query = {}) {
  return (await request(addressOf(route, query))).json();
}

/** Send a JSON document, and return the response's. */
export async function post(route, document = {}) {
  const body = JSON.stringify(document);
  const headers = { "Content-Type": "application/json" };
  return (await request(addressOf(route), { method: "POST", body, headers })).json();
}

/** Fetch a file. */
export async function getFile(route) {
  return (await request(addressOf(route))).blob();
}

/** Return an address for an image element: the server wants the key, which an element cannot send. */
export async function imageUrl(set, row, side) {
  const address = addressOf("image", { set, row, side });
  let url = images.get(address);
  images.delete(address);
  url ??= request(address).then(async (response) => URL.createObjectURL(await response.blob()));
  images.set(address, url);
  if (images.size > MAX_IMAGES) forgetOldest();
  try {
    return await url;
  } catch (error) {
    images.delete(address);
    throw error;
  }
}

function forgetOldest() {
  const [address, url] = images.entries().next().value;
  images.delete(address);
  url.then(URL.revokeObjectURL, () => {});
}

function addressOf(route, query = {}) {
  return `${ROOT}api/${route}?${new URLSearchParams(query)}`;
}

async function request(address, { headers = {}, ...rest } = {}) {
  const authorization = { Authorization: `Bearer ${sessionStorage.getItem(STORED) ?? ""}` };
  let response;
  try {
    response = await fetch(address, { ...rest, headers: { ...headers, ...authorization } });
  } catch {
    throw new Error("The server does not respond; start ankleboot label again. All decisions so far are stored.");
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw new Error(error?.message ?? `The server responded with status ${response.status}.`);
}
