// Storage of the page on this device. The service worker stores what the page fetches through it.

const MAX_WAIT_MS = 3000; // a page that is not stored is better than none

/**
 * Start the service worker; resolves when it serves the page, or when there is none.
 *
 * What was fetched before, it has not seen; large files must therefore wait for it, or they would be
 * fetched a second time.
 */
export async function startServiceWorker() {
  if (!navigator.serviceWorker) return; // without HTTPS
  try {
    const { installing, waiting } = await navigator.serviceWorker.register("service_worker.js");
    if (navigator.serviceWorker.controller || !(installing || waiting)) return;
    await new Promise((resolve) => {
      navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
      setTimeout(resolve, MAX_WAIT_MS);
    });
  } catch (error) {
    console.warn("The page cannot be stored for offline use:", error);
  }
}

/** Store the files that were fetched before the service worker; the browser still has them. */
export async function storeFirstFiles() {
  if (!navigator.serviceWorker?.controller) return;
  const here = new URL("./", location.href).href;
  const fetched = performance.getEntriesByType("resource").map(({ name }) => name);
  const own = new Set([here, ...fetched.filter((address) => address.startsWith(here))]);
  const store = async (address) => {
    if (!(await caches.match(address))) await fetch(address, { cache: "force-cache" });
  };
  try {
    await Promise.all([...own].map(store));
    document.body.dataset.offline = "ready";
  } catch (error) {
    console.warn("The page could not be stored for offline use:", error);
  }
}
