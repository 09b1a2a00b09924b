// The page for whoever has no network: the households as they were last brought, the forms for a visit there, and what waits to
// be sent. It stands in for the page that was asked for, at its address.

import { count, entries, pack } from './kept.js';
import { attach } from './form.js';
import { clone, into, mark, part, place } from './parts.js';
import { sendAll } from './send.js';
import { showWaiting } from './waiting.js';

/**
 * @typedef {import('./kept.js').Pack} Pack
 * @typedef {import('./kept.js').Subject} Subject
 * @typedef {import('./kept.js').Resident} Resident
 */

const AGAIN = 30_000;
const KEPT = '● 已存在手机上，还没上报';
const DAY = 24 * 3600 * 1000;

async function begin() {
  const kept = await pack();
  if (!kept) {
    const left = await count();
    part('nothing').hidden = false;
    part('nothing-waits').textContent = left ? `手机上有 ${left} 条还没上报，登录后会自动上报，请不要清除浏览器的数据。` : '';
    return;
  }
  part('places').hidden = false;
  if (location.pathname !== '/my/offline') {
    part('since').hidden = false;
    part('since-when').textContent = new Date(kept.at).toLocaleString('zh-CN', { dateStyle: 'medium', timeStyle: 'short' });
  }
  await shown(kept);
  const sendAgain = async () => {
    if (!(await entries(kept.who)).some((one) => one.state === 'waiting')) return;
    const { sent, signedOut } = await sendAll(kept.who);
    if (sent || signedOut) location.reload();
  };
  await sendAgain();
  addEventListener('online', () => { sendAgain(); });
  setInterval(sendAgain, AGAIN);
}

/** @param {Pack} kept */
async function shown(kept) {
  const waiting = await entries(kept.who);
  const [, number, form] = /^\/my\/households\/([^/]+)(?:\/(visit|revisit))?$/.exec(location.pathname) ?? [];
  const subject = number && kept.subjects.find((one) => one.number === decodeURIComponent(number));
  if (subject && form) {
    const resident = new URLSearchParams(location.search).get('resident');
    visit(kept, subject, subject.residents.find((one) => one.id === resident), form === 'revisit');
  } else if (subject) {
    household(subject, waiting.filter((one) => one.subject === subject.number));
  } else if (location.pathname.startsWith('/my/households')) {
    list(kept, new Set(waiting.map((one) => one.subject)));
  } else {
    showWaiting(waiting, kept.who);
    return;
  }
  if (waiting.length) {
    part('waits').hidden = false;
    part('waits-count').textContent = String(waiting.length);
  }
}

/**
 * @param {Pack} kept
 * @param {Set<string>} waiting
 */
function list(kept, waiting) {
  const view = clone('list');
  const find = /** @type {HTMLInputElement} */ (view.querySelector('input'));
  const lines = /** @type {HTMLElement} */ (view.querySelector('ul'));
  const draw = () => {
    const text = find.value.trim();
    const found = kept.subjects.filter((one) => !text || [one.number, one.name, one.address].some((it) => it.includes(text)));
    lines.replaceChildren(...found.map((one) => {
      const line = clone('line');
      into(line, { name: one.name, number: `${one.number}（${one.kind}）`, address: one.address });
      const card = /** @type {HTMLAnchorElement} */ (line.querySelector('a'));
      card.href = one.to;
      card.classList.add(one.left ? 'yellow' : 'green');
      const marks = place(line, 'marks');
      if (waiting.has(one.number)) marks.append(mark('yellow', KEPT));
      if (one.left) marks.append(mark('yellow', '● 还有要办的'));
      if (one.ended) marks.append(`${one.ended} 起不再走访`);
      else if (!one.left) marks.append(mark('green', '■ 都完成了'));
      return line;
    }));
  };
  find.oninput = draw;
  draw();
  if (kept.more) into(view, { more: `另外还有 ${kept.more} 个没有存到手机上。` });
  part('view').replaceChildren(view);
}

/**
 * @param {Subject} subject
 * @param {import('./kept.js').Entry[]} waiting
 */
function household(subject, waiting) {
  const view = clone('household');
  into(view, { name: subject.name, number: `${subject.number}（${subject.kind}） ${subject.address}` });
  ofEnded(view, subject);
  const residents = place(view, 'residents');
  // Whoever was met here without a network isn't known to the service yet.
  const met = new Set(waiting.map((one) => one.whom).filter((name) => subject.residents.every((one) => one.name !== name)));
  for (const name of met) {
    const section = clone('resident');
    into(section, { name });
    place(section, 'marks').append(mark('yellow', KEPT));
    const [visit, revisit] = section.querySelectorAll('a');
    visit.href = `${subject.to}/visit`;
    revisit.hidden = true;
    residents.append(section);
  }
  for (const one of subject.residents) {
    const section = clone('resident');
    into(section, { name: one.name });
    const marks = place(section, 'marks');
    if (waiting.some((entry) => entry.whom === one.name)) marks.append(mark('yellow', KEPT));
    if (one.heard) marks.append(mark('green', '■ 已走访'));
    else if (one.unheard) marks.append('没有见到');
    else if (!subject.ended) marks.append(mark('yellow', '● 还没走访'));
    if (one.revisited) marks.append(mark('green', '■ 已回访'));
    const [visit, revisit] = section.querySelectorAll('a');
    visit.href = `${subject.to}/visit?resident=${one.id}`;
    revisit.href = `${subject.to}/revisit?resident=${one.id}`;
    revisit.hidden = !one.heard && !one.issues.length;
    residents.append(section);
  }
  const another = /** @type {HTMLAnchorElement} */ (view.querySelector('a.wide'));
  another.href = `${subject.to}/visit`;
  part('view').replaceChildren(view);
}

/**
 * @param {Pack} kept
 * @param {Subject} subject
 * @param {Resident | undefined} resident
 * @param {boolean} revisit
 */
function visit(kept, subject, resident, revisit) {
  const view = clone(revisit ? 'revisit-form' : 'visit-form');
  into(view, { subject: `‹ ${subject.name}（${subject.number}）`, where: `${subject.kind} ${subject.address}` });
  /** @type {HTMLAnchorElement} */ (view.querySelector('a')).href = subject.to;
  const form = /** @type {HTMLFormElement} */ (view.querySelector('form'));
  form.action = `${subject.to}/${revisit ? 'revisit' : 'visit'}`;
  field(form, 'form').value = crypto.randomUUID();
  field(form, 'key').value = kept.who;
  const on = field(form, 'on');
  on.value = revisit ? today(kept) : lastDay(kept, subject);
  on.max = on.value;
  if (!revisit) ofEnded(view, subject);
  part('view').replaceChildren(view);
  if (resident) ofResident(form, resident);
  else field(form, 'listed').value = subject.residents.map((one) => one.id).join(' ');
  form.addEventListener('submit', () => {
    // Whoever types the name of somebody who is known means them.
    const known = resident ?? subject.residents.find((one) => one.name === field(form, 'name').value.trim());
    if (known && !resident) ofResident(form, known);
  });
  attach(form, kept.who, () => location.assign('/my/offline'));
}

/**
 * @param {HTMLFormElement} form
 * @param {Resident} resident
 */
function ofResident(form, resident) {
  const name = field(form, 'name');
  const [head, id, seen] = [document.createElement('h2'), document.createElement('input'), document.createElement('input')];
  head.textContent = resident.name;
  Object.assign(id, { type: 'hidden', name: 'resident', value: resident.id });
  Object.assign(seen, { type: 'hidden', name: 'seen', value: resident.seen });
  form.dataset.whom = resident.name;
  name.labels?.forEach((label) => label.remove());
  field(form, 'listed').remove();
  name.replaceWith(head, id, seen, ...resident.issues.map(matter));
}

/** @param {import('./kept.js').Issue} issue */
function matter(issue) {
  const line = document.createElement('p');
  line.append(`${issue.number} ${issue.state}：${issue.text}`);
  if (issue.said) {
    const said = document.createElement('strong');
    said.textContent = `要带去的答复：${issue.said}`;
    line.append(document.createElement('br'), said);
  }
  if (issue.word) line.append(document.createElement('br'), `群众自己在网上说：${issue.word}`);
  return line;
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {HTMLInputElement}
 */
function field(form, name) {
  return /** @type {HTMLInputElement} */ (form.querySelector(`input[name=${name}]`));
}

/**
 * Says that a subject isn't to be visited any more, where it isn't.
 * @param {HTMLElement} view
 * @param {Subject} subject
 */
function ofEnded(view, subject) {
  if (!subject.ended) return;
  place(view, 'ended').hidden = false;
  into(view, { 'ended-on': subject.ended });
}

/**
 * The last day on which somebody can have been visited there for the first time.
 * @param {Pack} kept
 * @param {Subject} subject
 */
function lastDay(kept, subject) {
  const now = today(kept);
  return subject.ended && subject.ended < now ? subject.ended : now;
}

/**
 * The township's date: as it was when the households were brought, and as many days on.
 * @param {Pack} kept
 */
function today(kept) {
  const here = (/** @type {number} */ at) => Math.floor((at - new Date(at).getTimezoneOffset() * 60_000) / DAY);
  const then = new Date(`${kept.today}T00:00:00Z`).getTime();
  return new Date(then + (here(Date.now()) - here(kept.at)) * DAY).toISOString().slice(0, 10);
}

begin();
