// Requests to the server that this page came from. A refusal becomes an ApiError with one sentence.

import { askForKey, headersFor, storedKey } from "./key.js";
import { reduced } from "./reduce.js";

/** Where the API is; the page may lie below a path of another server. */
export const ROOT = new URL("./", import.meta.url).href;

const RAW = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"];
const UNREADABLE = [413, 415, 422]; // statuses after which a smaller JPEG may help
const LONGEST = 30; // seconds that are waited, whatever the server asks for

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

/** What is served; `waiting` hears what it waits for, while the server starts. */
export function describe(waiting) {
  return request("v1/model", { tries: 20, waiting });
}

/**
 * Ask about one picture, "predict" or "explain"; returns what the API answers.
 *
 * The file is sent as it is. Where it exceeds the server's limits, or the server cannot read it and
 * the browser can, a reduced one goes in its place and `reducing` is called.
 */
export async function ask(what, model, blob, { limits, reducing = () => {}, ...options }) {
  const path = `v1/${what}?model=${encodeURIComponent(model)}`;
  const { body_bytes: most } = limits;
  if (blob.size <= most) {
    try {
      return await request(path, { ...options, ...bodyOf(blob) });
    } catch (error) {
      if (!UNREADABLE.includes(error.status)) throw error;
      const smaller = await reduced(blob, most);
      if (smaller === null) throw error;
      reducing();
      return request(path, { ...options, ...bodyOf(smaller) });
    }
  }
  const smaller = await reduced(blob, most);
  if (smaller !== null) reducing();
  return request(path, { ...options, ...bodyOf(smaller ?? blob) });
}

function bodyOf(blob) {
  if (RAW.includes(blob.type)) {
    return { method: "POST", body: blob, headers: { "Content-Type": blob.type } };
  }
  const form = new FormData(); // the server looks at its bytes
  form.append("picture", blob);
  return { method: "POST", body: form };
}

async function request(path, { tries = 1, waiting = () => {}, headers = {}, ...rest }) {
  for (let left = tries; ; left--) {
    const key = storedKey();
    const response = await send(path, { ...rest, headers: { ...headers, ...headersFor(key) } });
    if (response.ok) return response.json();
    const error = await errorOf(response);
    if (response.status === 401 && (await askForKey(key, error.message))) {
      left++; // for another key, nothing has been tried
      continue;
    }
    const after = response.headers.get("Retry-After");
    if (![429, 503].includes(response.status) || after === null || left <= 1) throw error;
    if (error.code === "timed_out") left = 2; // more than once more would hold up the others
    waiting(error.message);
    await pause(Math.min(LONGEST, Number(after) || 1), rest.signal);
  }
}

async function send(path, options) {
  try {
    return await fetch(ROOT + path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "The server does not answer.");
  }
}

async function errorOf(response) {
  const { code, message } = (await response.json().catch(() => ({}))).error ?? {};
  const said = message ?? `The server answered with the status ${response.status}.`;
  return new ApiError(response.status, code ?? "unknown", said);
}

/** Wait, a little longer or shorter than others do. */
function pause(seconds, signal) {
  return new Promise((done, fail) => {
    const timer = setTimeout(done, 1000 * seconds * (0.9 + 0.3 * Math.random()));
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      fail(signal.reason);
    });
  });
}
