// Opens the pages where there's no network: all that it keeps is one page without anybody's data, and what that needs.

/** @type {ServiceWorkerGlobalScope} */
const worker = /** @type {any} */ (self);
const NAME = 'zoufang-__VERSION__';
/** @type {string[]} */
const SHELL = JSON.parse('__SHELL__');
const PAGE = '/my/offline';
/** A network that doesn't bring a page in that time is none. */
const PATIENCE = 8_000;

worker.addEventListener('install', (event) => {
  const all = SHELL.map((url) => new Request(url, { cache: 'reload' }));
  event.waitUntil(caches.open(NAME).then((kept) => kept.addAll(all)).then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith('zoufang-') && name !== NAME).map((name) => caches.delete(name)));
    await worker.clients.claim();
  })());
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  // To an identity provider and back: what comes back is good once, and takes the time that the provider takes.
  if (url.pathname.startsWith('/my/sign-in/')) return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else if (SHELL.includes(url.pathname + url.search)) event.respondWith(kept(request, url));
});

/**
 * A page from the service; where there's no network, the one that is kept.
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function page(request) {
  /** @type {Promise<null>} */
  const late = new Promise((done) => { setTimeout(() => done(null), PATIENCE); });
  const answer = await Promise.race([fetch(request).catch(() => null), late]);
  return answer ?? (await caches.match(PAGE)) ?? Response.error();
}

/**
 * @param {Request} request
 * @param {URL} url
 * @returns {Promise<Response>}
 */
async function kept(request, url) {
  return (await caches.match(url.pathname + url.search)) ?? fetch(request);
}
