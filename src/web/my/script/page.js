// On each page of whoever is signed in: what waits on the telephone is sent, what is needed without a network is brought, and
// it's said what still waits.

import { canKeep, count, entries, forgetPack, keepPack, pack } from './kept.js';
import { attach } from './form.js';
import { Photos } from './photos.js';
import { sendAll } from './send.js';

/** What is kept is brought anew after so long. */
const FRESH = 10 * 60 * 1000;
const AGAIN = 30_000;

const who = document.body.dataset.who ?? '';

async function begin() {
  const form = document.querySelector('form.visit');
  if (!(await canKeep())) {
    for (const input of document.querySelectorAll('input[type=file]')) {
      if (input instanceof HTMLInputElement) new Photos(input);
    }
    return;
  }
  if (form instanceof HTMLFormElement) {
    // With its photos: the service shows it again and says what is wrong.
    attach(form, who, (refused) => refused.submit());
  }
  guardSignOut();
  navigator.serviceWorker?.register('/my/worker.js', { scope: '/my' }).catch(() => {});
  await bring();
  await sendAndSay();
  addEventListener('online', () => { sendAndSay(); });
  setInterval(sendAndSay, AGAIN);
}

/** Brings what is needed without a network; what was somebody else's goes. */
async function bring(always = false) {
  const known = await pack();
  if (known && known.who !== who) await forgetPack();
  else if (known && !always && Date.now() - known.at < FRESH) return;
  const answer = await fetch('/my/offline/pack', { redirect: 'manual' }).catch(() => null);
  if (answer?.ok) await keepPack(await answer.json());
  else if (answer && (answer.type === 'opaqueredirect' || answer.status === 403)) await forgetPack();
}

async function sendAndSay() {
  if (!(await entries(who)).length) {
    say([], 0, false);
    return;
  }
  const { sent, signedOut } = await sendAll(who);
  if (sent) await bring(true).catch(() => {});
  // What stands in the form here is being mended.
  say((await entries(who)).filter((one) => one.id !== mended()), sent, signedOut);
}

/** The id of the form that is on this page, where there is one. */
function mended() {
  const input = document.querySelector('form.visit input[name=form]');
  return input instanceof HTMLInputElement ? input.value : '';
}

/**
 * @param {import('./kept.js').Entry[]} left
 * @param {number} sent
 * @param {boolean} signedOut
 */
function say(left, sent, signedOut) {
  const said = [];
  const refused = left.filter((one) => one.state !== 'waiting').length;
  const waiting = left.length - refused;
  if (sent) said.push(`手机上存的 ${sent} 条已上报`);
  if (waiting) said.push(signedOut ? `有 ${waiting} 条等您重新登录后上报` : `手机上有 ${waiting} 条还没上报`);
  if (refused) said.push(`有 ${refused} 条没有收下，要您核对`);
  let bar = document.getElementById('kept');
  if (!said.length) return;
  if (!bar) {
    bar = document.createElement('section');
    bar.id = 'kept';
    bar.setAttribute('role', 'status');
    document.getElementById('main')?.prepend(bar);
  }
  bar.className = left.length ? 'said careful' : 'said';
  const link = document.createElement('a');
  link.href = '/my/offline';
  link.textContent = '查看手机上的登记';
  bar.replaceChildren(`${said.join('；')}。`, ...(left.length ? [link] : []));
}

/** What is kept ends with the sign-in: whoever signs out is told what isn't sent yet. */
function guardSignOut() {
  const form = document.querySelector('form[action="/my/sign-out"]');
  if (!(form instanceof HTMLFormElement)) return;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    (async () => {
      await sendAll(who);
      // Whosever they are: all of it goes.
      const left = await count();
      const ask = `手机上还有 ${left} 条没有上报，退出会把它们删掉。确定退出？`;
      if (!left || confirm(ask)) form.submit();
    })().catch(() => form.submit());
  });
}

begin();
