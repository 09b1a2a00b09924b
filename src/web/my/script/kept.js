// What is kept on the telephone: what is needed to record visits without a network, and the records that weren't sent yet.
// It ends with the sign-in, and whatever happens after fourteen days.

/**
 * @typedef {{ number: string, state: string, text: string, said: string, word: string, resolved: boolean }} Issue
 * @typedef {{ id: string, seen: string, name: string, heard: boolean, unheard: boolean, revisited: boolean, issues: Issue[] }} Resident
 * @typedef {{ number: string, kind: string, name: string, address: string, to: string, left: boolean, ended: string | null, residents: Resident[] }} Subject
 * @typedef {{ who: string, until: number, at: number, today: string, more: number, subjects: Subject[] }} Pack
 *
 * @typedef {{ type: string, bytes: ArrayBuffer }} Photo
 * @typedef {"waiting" | "refused" | "expired"} State
 * @typedef {"stale" | "wrong" | "not_yours" | "too_large"} Why
 * @typedef {object} Entry  A record, as it was filled in.
 * @property {string} id  By which the record is taken once, however often it's sent.
 * @property {string} who  Whose it is.
 * @property {string} at  Where it's sent.
 * @property {string} subject
 * @property {string} whom  The resident's name.
 * @property {Record<string, string>} fields
 * @property {Photo[]} photos
 * @property {number} kept  When, by the telephone's clock.
 * @property {State} state
 * @property {Why} [why]
 * @property {string[]} [said]  What the service said of it.
 */

const DAYS = 14;
const DAY = 24 * 3600 * 1000;

/** @type {Promise<IDBDatabase> | undefined} */
let opened;

/** @returns {Promise<IDBDatabase>} */
function open() {
  opened ??= new Promise((done, failed) => {
    const asked = indexedDB.open('zoufang', 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore('pack');
      asked.result.createObjectStore('records', { keyPath: 'id' });
    };
    asked.onsuccess = () => {
      asked.result.onclose = () => { opened = undefined; };
      done(asked.result);
    };
    asked.onerror = () => failed(asked.error);
    asked.onblocked = () => failed(new Error('blocked'));
  });
  opened.catch(() => { opened = undefined; });
  return opened;
}

/**
 * Does something in one transaction, which is on the disk when it's done: a battery may die at any time.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(pack: IDBObjectStore, records: IDBObjectStore, give: (value: T) => void) => void} what
 * @returns {Promise<T | undefined>}
 */
async function within(mode, what) {
  const base = await open();
  return new Promise((done, failed) => {
    const tx = base.transaction(['pack', 'records'], mode, { durability: 'strict' });
    /** @type {T | undefined} */
    let given;
    tx.oncomplete = () => done(given);
    tx.onabort = () => failed(tx.error ?? new Error('not kept'));
    what(tx.objectStore('pack'), tx.objectStore('records'), (value) => { given = value; });
  });
}

/** Whether anything can be kept here. */
export async function canKeep() {
  if (!('indexedDB' in globalThis)) return false;
  return open().then(() => true, () => false);
}

/**
 * What was last brought from the service, unless its time is over.
 * @returns {Promise<Pack | undefined>}
 */
export async function pack() {
  /** @type {Pack | undefined} */
  const found = await within('readonly', (store, _, give) => {
    const asked = store.get('pack');
    asked.onsuccess = () => give(asked.result);
  });
  if (found && found.until <= Date.now()) {
    await forgetPack();
    return undefined;
  }
  return found;
}

/** @param {Pack} brought */
export async function keepPack(brought) {
  // By this telephone's clock, whatever the service's says.
  const until = Date.now() + Math.min(brought.until - brought.at, DAYS * DAY);
  await within('readwrite', (store) => { store.put({ ...brought, until }, 'pack'); });
}

/** The sign-in has ended: nothing of the households stays. */
export async function forgetPack() {
  await within('readwrite', (store) => { store.delete('pack'); });
}

/** @param {Entry} entry */
export async function keepEntry(entry) {
  // A browser that needs room asks first.
  navigator.storage?.persist?.().catch(() => {});
  await within('readwrite', (_, records) => { records.put(entry); });
}

/** @param {string} id */
export async function dropEntry(id) {
  await within('readwrite', (_, records) => { records.delete(id); });
}

/**
 * @param {string} id
 * @returns {Promise<Entry | undefined>}
 */
export async function entry(id) {
  return within('readonly', (_, records, give) => {
    const asked = records.get(id);
    asked.onsuccess = () => give(asked.result);
  });
}

/**
 * Somebody's records, in the order in which they were made. Of one that couldn't be sent in its time only that stays.
 * @param {string} who
 * @returns {Promise<Entry[]>}
 */
export async function entries(who) {
  const over = Date.now() - DAYS * DAY;
  /** @type {Entry[] | undefined} */
  const all = await within('readwrite', (_, records, give) => {
    const asked = records.getAll();
    asked.onsuccess = () => {
      for (const one of asked.result) {
        if (one.kept > over || one.state === 'expired') continue;
        Object.assign(one, { state: 'expired', whom: '', fields: {}, photos: [], said: [] });
        records.put(one);
      }
      give(asked.result);
    };
  });
  return (all ?? []).filter((one) => one.who === who).sort((a, b) => a.kept - b.kept);
}

/** How many records are kept here, whosever they are: without anything of what they say. */
export async function count() {
  /** @type {number | undefined} */
  const found = await within('readonly', (_, records, give) => {
    const asked = records.count();
    asked.onsuccess = () => give(asked.result);
  });
  return found ?? 0;
}

/** How many days are left for a record to be sent.
 * @param {Entry} one */
export function daysLeft(one) {
  return Math.max(0, Math.ceil((one.kept + DAYS * DAY - Date.now()) / DAY));
}

/**
 * A record was taken: it goes, and those that were filled in after it go by how its resident stands since. All at once: what
 * is lost in between is told by the service again.
 * @param {Entry} sent
 * @param {{ id: string, name: string, seen: string }} resident
 */
export async function taken(sent, resident) {
  await within('readwrite', (store, records) => {
    records.delete(sent.id);
    const others = records.getAll();
    others.onsuccess = () => {
      for (const one of others.result) {
        if (one.id !== sent.id && follows(one, sent, resident)) records.put(one);
      }
    };
    const asked = store.get('pack');
    asked.onsuccess = () => {
      /** @type {Pack | undefined} */
      const kept = asked.result;
      if (kept && note(kept, sent, resident)) store.put(kept, 'pack');
    };
  });
}

/**
 * Whether a record is of the same resident as they stood, and goes by how they stand since.
 * @param {Entry} one
 * @param {Entry} sent
 * @param {{ id: string, name: string, seen: string }} resident
 */
function follows(one, sent, resident) {
  if (one.who !== sent.who || one.subject !== sent.subject || one.state !== 'waiting') return false;
  const { fields } = one;
  const isSame = sent.fields.resident
    ? fields.resident === sent.fields.resident && fields.seen === sent.fields.seen
    : !fields.resident && fields.name === sent.fields.name && fields.listed === sent.fields.listed;
  if (isSame) Object.assign(fields, { resident: resident.id, seen: resident.seen });
  return isSame;
}

/**
 * @param {Pack} kept
 * @param {Entry} sent
 * @param {{ id: string, name: string, seen: string }} resident
 */
function note(kept, sent, resident) {
  const subject = kept.subjects.find((one) => one.number === sent.subject);
  if (kept.who !== sent.who || !subject) return false;
  let known = subject.residents.find((one) => one.id === resident.id);
  if (!known) {
    known = { ...resident, heard: false, unheard: false, revisited: false, issues: [] };
    subject.residents.push(known);
  }
  known.seen = resident.seen;
  if (sent.at.endsWith('/revisit')) known.revisited = true;
  else if (sent.fields.heard === 'unheard') known.unheard = true;
  else known.heard = true;
  return true;
}
