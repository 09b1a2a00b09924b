// Sends what is kept on the telephone: each record until the service says that it has it, or why it doesn't take it.

import { dropEntry, entries, forgetPack, keepEntry, taken } from './kept.js';

/**
 * @typedef {import('./kept.js').Entry} Entry
 * @typedef {{ sent: number, signedOut: boolean }} Sent
 */

/** A network that doesn't answer in that time is none. */
const PATIENCE = 90_000;

/**
 * Sends all that waits of somebody's, one after the other. Two pages don't send at once; if they do, nothing is recorded twice.
 * @param {string} who
 * @returns {Promise<Sent>}
 */
export async function sendAll(who) {
  if (!navigator.locks) return run(who);
  return navigator.locks.request('zoufang-send', () => run(who));
}

/**
 * @param {string} who
 * @returns {Promise<Sent>}
 */
async function run(who) {
  let sent = 0;
  for (;;) {
    // Read anew each time: one that was taken changes those behind it.
    const next = (await entries(who)).find((one) => one.state === 'waiting');
    if (!next) return { sent, signedOut: false };
    const became = await send(next);
    if (became === 'signed_out') {
      await forgetPack();
      return { sent, signedOut: true };
    }
    if (became === 'no_answer') return { sent, signedOut: false };
    if (became === 'taken') sent += 1;
  }
}

/**
 * @param {Entry} one
 * @returns {Promise<"taken" | "refused" | "signed_out" | "no_answer">}
 */
async function send(one) {
  const answer = await post(one);
  if (!answer) return 'no_answer';
  // Whoever is signed in here by now isn't whose record it is.
  if (answer.status === 401 || answer.status === 403) return 'signed_out';
  if (answer.status === 413) {
    const said = ['照片合在一起太大，没有收下：请打开核对，去掉几张'];
    await keepEntry({ ...one, state: 'refused', why: 'too_large', said });
    return 'refused';
  }
  const told = await answer.json().catch(() => null);
  if (answer.ok && told?.outcome === 'done') {
    await (told.resident?.id ? taken(one, told.resident) : dropEntry(one.id));
    return 'taken';
  }
  if (['stale', 'wrong', 'not_yours'].includes(told?.outcome)) {
    await keepEntry({ ...one, state: 'refused', why: told.outcome, said: told.said });
    return 'refused';
  }
  return 'no_answer';
}

/**
 * @param {Entry} one
 * @returns {Promise<Response | null>}
 */
async function post(one) {
  const ends = new AbortController();
  const late = setTimeout(() => ends.abort(), PATIENCE);
  try {
    return await fetch(one.at, {
      method: 'POST', body: form(one), headers: { accept: 'application/json' }, redirect: 'manual', signal: ends.signal,
    });
  } catch {
    return null;
  } finally {
    clearTimeout(late);
  }
}

/**
 * @param {Entry} one
 * @returns {FormData}
 */
function form(one) {
  const form = new FormData();
  form.set('key', one.who);
  for (const [name, value] of Object.entries(one.fields)) form.set(name, value);
  one.photos.forEach(({ type, bytes }, place) => {
    form.append('photos', new Blob([bytes], { type }), `${place + 1}.jpg`);
  });
  return form;
}
