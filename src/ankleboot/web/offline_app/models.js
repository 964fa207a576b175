// The networks of this folder, in the one runtime. Each is fetched when it is first asked for.

import { loadAndCompile, loadLiteRt, Tensor } from "./runtime/index.js";

const here = (name) => new URL(name, import.meta.url).href;

/** What models.json says: the kind of page, and of every network its file and its description. */
export const { page, networks } = await (await fetch(here("models.json"))).json();

const runtime = loadLiteRt(here("runtime/"));
runtime.catch(() => {}); // said where it is waited for
const loading = new Map();
const loaded = new Set();

/** Begin to fetch a network, or wait for it. */
export function load(name) {
  if (!loading.has(name)) {
    const started = compile(name);
    started.then(() => loaded.add(name), () => loading.delete(name)); // there may be another try
    loading.set(name, started);
  }
  return loading.get(name);
}

/** Those of the networks that are not here yet. */
export function missing(names) {
  return names.filter((name) => !loaded.has(name));
}

/** One image, as its bytes, to the numbers that the network answers. */
export async function ask(name, image) {
  const network = await load(name);
  const { image_size: side, color } = networks[name];
  const input = new Tensor(image, color ? [1, side, side, 3] : [1, side, side]);
  try {
    const [output] = await network.run(input);
    const numbers = Array.from(output.toTypedArray());
    output.delete();
    return numbers;
  } finally {
    input.delete();
  }
}

async function compile(name) {
  await runtime;
  return loadAndCompile(here(networks[name].file), { accelerator: "wasm" });
}
