// Keeps the page on this device. The network comes first, so that a new version appears at once;
// what has not changed is not sent again, and without a network the stored copy is used.

const CACHE = "ankleboot";
const CONDITIONS = { etag: "If-None-Match", "last-modified": "If-Modified-Since" };

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(respond(event.request));
});

async function respond(request) {
  const cache = await caches.open(CACHE);
  const stored = await cache.match(request);
  try {
    const response = await fetchChanged(request, stored);
    if (response.status === 304) return stored;
    // the page gets a file when it is stored; the disk may be full
    if (response.ok) await cache.put(request, response.clone()).catch(() => {});
    return response;
  } catch (error) {
    const page = request.mode === "navigate" ? await cache.match("./") : undefined;
    if (stored ?? page) return stored ?? page;
    throw error;
  }
}

/** Fetch a file; the response has status 304 if it is the stored one. */
function fetchChanged(request, stored) {
  // browsers keep no large files in a cache of their own, and the headers of a navigation are fixed
  if (!stored || request.mode === "navigate") return fetch(request);
  const headers = Object.entries(CONDITIONS)
    .filter(([name]) => stored.headers.has(name))
    .map(([name, condition]) => [condition, stored.headers.get(name)]);
  return fetch(request.url, { headers });
}
