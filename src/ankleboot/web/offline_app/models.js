// The models of this folder, run by LiteRT.js. Each is fetched on its first use.

import { startServiceWorker } from "./offline_storage.js";
import { loadAndCompile, loadLiteRt, Tensor } from "./runtime/index.js";

const addressOf = (name) => new URL(name, import.meta.url).href;

const started = startServiceWorker();

/** Contents of models.json: the kind of page, and the file and metadata of every model. */
export const { page, models } = await (await fetch(addressOf("models.json"))).json();

const runtime = started.then(() => loadLiteRt(addressOf("runtime/")));
runtime.catch(() => {}); // `compile` reports the failure
const loading = new Map();
const loaded = new Set();

/** Fetch a model once. A failed attempt may be repeated. */
export function load(name) {
  if (!loading.has(name)) {
    const compiled = compile(name);
    compiled.then(() => loaded.add(name), () => loading.delete(name));
    loading.set(name, compiled);
  }
  return loading.get(name);
}

/** Return the names of the models that are not loaded yet. */
export function notLoaded(names) {
  return names.filter((name) => !loaded.has(name));
}

/** Run a model on the bytes of one image. */
export async function run(name, image) {
  const model = await load(name);
  const { image_size: side, color, crop } = models[name];
  const height = crop === "both" ? 2 * side : side;
  const input = new Tensor(image, color ? [1, height, side, 3] : [1, height, side]);
  try {
    const [output] = await model.run(input);
    const values = Array.from(output.toTypedArray());
    output.delete();
    return values;
  } finally {
    input.delete();
  }
}

async function compile(name) {
  await runtime;
  return loadAndCompile(addressOf(models[name].file), { accelerator: "wasm" });
}
