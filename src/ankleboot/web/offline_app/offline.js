// Keeps the page on this device after the first visit. Asks the network first, so that a new
// version is seen as soon as there is one; answers from the store when there is no network.

const STORE = "ankleboot";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(answer(event));
});

async function answer(event) {
  const { request } = event;
  const store = await caches.open(STORE);
  try {
    const response = await fetch(request);
    if (response.ok) event.waitUntil(store.put(request, response.clone()).catch(() => {}));
    return response;
  } catch (error) {
    const page = request.mode === "navigate" ? await store.match("./") : undefined;
    const kept = (await store.match(request)) ?? page;
    if (kept) return kept;
    throw error;
  }
}
