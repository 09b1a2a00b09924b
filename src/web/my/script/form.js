// A visit's form: kept on the telephone first, then sent. Whatever happens to the network in between, it's recorded once.

import { entry, keepEntry } from './kept.js';
import { Photos } from './photos.js';
import { sendAll } from './send.js';

/** @typedef {import('./kept.js').Entry} Entry */

/**
 * @param {HTMLFormElement} form
 * @param {string} who
 * @param {(form: HTMLFormElement, one: Entry) => void} refused  What is done with one that the service doesn't take as it is.
 */
export function attach(form, who, refused) {
  const input = form.querySelector('input[type=file]');
  const photos = input instanceof HTMLInputElement ? new Photos(input) : null;
  // Shown again by the service, it has no photos: they're here.
  entry(text(new FormData(form), 'form')).then((known) => {
    if (!known || known.who !== who || !photos) return;
    photos.show(known.photos);
    form.querySelector('.photos-again')?.remove();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const button = form.querySelector('button.wide');
    if (!(button instanceof HTMLButtonElement) || button.disabled) return;
    button.disabled = true;
    submit(form, who, photos, refused).catch(() => {
      // Nothing can be kept here: as without a script.
      form.submit();
    }).finally(() => { button.disabled = false; });
  });
}

/**
 * @param {FormData} data
 * @param {string} name
 */
function text(data, name) {
  const value = data.get(name);
  return typeof value === 'string' ? value : '';
}

/**
 * @param {HTMLFormElement} form
 * @param {string} who
 * @param {Photos | null} photos
 * @param {(form: HTMLFormElement, one: Entry) => void} refused
 */
async function submit(form, who, photos, refused) {
  await photos?.ready;
  const data = new FormData(form);
  /** @type {Record<string, string>} */
  const fields = {};
  for (const [name, value] of data) {
    if (typeof value === 'string' && name !== 'key') fields[name] = value;
  }
  const at = new URL(form.action).pathname;
  const household = at.replace(/\/(re)?visit$/, '');
  const id = text(data, 'form');
  await keepEntry({
    id, who, at, fields, subject: decodeURIComponent(household.split('/').pop() ?? ''), photos: photos?.chosen ?? [],
    whom: form.dataset.whom ?? text(data, 'name'), kept: Date.now(), state: 'waiting',
  });
  await sendAll(who);
  const still = await entry(id);
  if (!still) location.assign(`${household}?done=${encodeURIComponent(id)}`);
  else if (still.state === 'refused') refused(form, still);
  else if (navigator.serviceWorker?.controller) location.assign(household);
  else say(form, '没有网络：已存在这部手机上，有网后打开本系统会自动上报。请不要清除浏览器的数据。');
}

/**
 * @param {HTMLFormElement} form
 * @param {string} what
 */
function say(form, what) {
  const said = document.createElement('section');
  said.className = 'said careful';
  said.setAttribute('role', 'alert');
  said.textContent = what;
  form.before(said);
  said.scrollIntoView();
}
