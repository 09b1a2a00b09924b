// @ts-check
// A television's page renews itself: it asks for itself each minute and puts the new chart in the place of the old one. While the
// service can't be reached it says since when, keeps what it shows, asks more often, and goes on by itself.

const EVERY = 60_000;
const AGAIN = 10_000;
const PATIENCE = 20_000;

/** Since when nothing new came, as a clock shows it; empty while all is well. */
let since = '';

/** @param {string} said */
function say(said) {
  const stale = document.getElementById('stale');
  if (!stale) return;
  stale.hidden = said === '';
  stale.textContent = said;
}

/** @param {Date} at */
function clock(at) {
  return `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;
}

async function ask() {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    const answer = await fetch(location.href, { cache: 'no-store', signal: patience.signal });
    return { status: answer.status, text: await answer.text() };
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} text @returns {boolean} whether it was the chart */
function show(text) {
  const page = new DOMParser().parseFromString(text, 'text/html');
  const chart = page.querySelector('main');
  const here = document.querySelector('main');
  if (!chart || !here || !page.documentElement.dataset.version) return false;
  // Another version of the program has another style and script.
  if (page.documentElement.dataset.version !== document.documentElement.dataset.version) location.reload();
  here.replaceWith(document.adoptNode(chart));
  return true;
}

async function renew() {
  let next = AGAIN;
  try {
    const { status, text } = await ask();
    if (status === 404) {
      say('这个大屏链接已经停用：请向镇组织人事办公室要新的链接');
      next = EVERY;
    } else if (status === 200 && show(text)) {
      since = '';
      say('');
      next = EVERY;
    } else {
      throw new Error(String(status));
    }
  } catch {
    since ||= clock(new Date());
    say(`${since} 起连不上服务器：下面是那以前的情况，正在自动重试`);
  }
  setTimeout(renew, next);
}

setTimeout(renew, EVERY);
