// Keeps the page on this device. The network comes first, so that a new version appears at once;
// without a network, the stored copy is used.

const CACHE = "ankleboot";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(respond(event));
});

async function respond(event) {
  const { request } = event;
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) event.waitUntil(cache.put(request, response.clone()).catch(() => {}));
    return response;
  } catch (error) {
    const page = request.mode === "navigate" ? await cache.match("./") : undefined;
    const stored = (await cache.match(request)) ?? page;
    if (stored) return stored;
    throw error;
  }
}
