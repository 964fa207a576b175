// Client of the HTTP API of the server that this page came from.

import { askForKey, authorization, storedKey } from "./api_key.js";
import { downscale } from "./downscale.js";

/** Address of the API; the page may lie below a path of another server. */
export const ROOT = new URL("./", import.meta.url).href;

const RAW_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"];
const UNREADABLE = [413, 415, 422]; // statuses after which a smaller JPEG may succeed
const MAX_PAUSE_S = 30; // upper bound on Retry-After

/** Error response; `message` is one sentence. */
class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }

  get isAboutImage() {
    return UNREADABLE.includes(this.status);
  }
}

/** Return the sentences about models that cannot be had. */
export function loadErrorText({ message }) {
  return `${message} Reload the page to try again.`;
}

/** Fetch the models and limits; `waiting` is called with a message while the server starts. */
export function fetchService(waiting) {
  return request("v1/model", { tries: 20, waiting });
}

/**
 * Send one image to "predict" or "explain" and return the response.
 *
 * If the file exceeds the server's limits or the server cannot read it, a smaller copy made by the
 * browser is sent instead and `downscaled` is called.
 */
export async function send(route, model, blob, { limits, downscaled = () => {}, ...options }) {
  const path = `v1/${route}?model=${encodeURIComponent(model)}`;
  const { body_bytes: maxBytes } = limits;
  let error = null;
  if (blob.size <= maxBytes) {
    try {
      return await request(path, { ...options, ...bodyOf(blob) });
    } catch (caught) {
      if (!caught.isAboutImage) throw caught;
      error = caught;
    }
  }
  const smaller = await downscale(blob, maxBytes);
  if (smaller === null && error !== null) throw error;
  if (smaller !== null) downscaled();
  return request(path, { ...options, ...bodyOf(smaller ?? blob) });
}

/** Convert a prediction of the API to the form of prediction_card.js. */
export function toPrediction({ probs, none_of_these: noneOfThese, ...prediction }) {
  return { ...prediction, probabilities: Object.entries(probs), noneOfThese };
}

function bodyOf(blob) {
  if (RAW_TYPES.includes(blob.type)) {
    return { method: "POST", body: blob, headers: { "Content-Type": blob.type } };
  }
  const form = new FormData(); // the server determines the type from the bytes
  form.append("image", blob);
  return { method: "POST", body: form };
}

async function request(path, { tries = 1, waiting = () => {}, headers = {}, ...rest }) {
  for (let left = tries; ; left--) {
    const key = storedKey();
    const response = await fetchOrFail(path, { ...rest, headers: { ...headers, ...authorization(key) } });
    if (response.ok) return response.json();
    const error = await errorOf(response);
    if (response.status === 401 && (await askForKey(key, error.message))) {
      left++; // a new key does not use up a try
      continue;
    }
    const retryAfter = response.headers.get("Retry-After");
    if (![429, 503].includes(response.status) || retryAfter === null || left <= 1) throw error;
    if (error.code === "timed_out") left = 2; // one retry: slow requests delay all others
    waiting(error.message);
    await pause(Math.min(MAX_PAUSE_S, Number(retryAfter) || 1), rest.signal);
  }
}

async function fetchOrFail(path, options) {
  try {
    return await fetch(ROOT + path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "The server does not respond.");
  }
}

async function errorOf(response) {
  const { code, message } = (await response.json().catch(() => ({}))).error ?? {};
  const text = message ?? `The server responded with status ${response.status}.`;
  return new ApiError(response.status, code ?? "unknown", text);
}

/** Wait for about this long; the jitter spreads the retries of several clients. */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds * (0.9 + 0.3 * Math.random()));
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
