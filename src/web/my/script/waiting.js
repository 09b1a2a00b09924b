// What waits on the telephone to be sent, and what the service didn't take: shown, looked at again, or given up by whoever made it.

import { daysLeft, dropEntry } from './kept.js';
import { clone, into, mark, part, place } from './parts.js';

/** @typedef {import('./kept.js').Entry} Entry */

const WHY = {
  stale: '这一户在您离线时有了新的登记',
  wrong: '有要改或要回答的',
  not_yours: '这一户已不由您走访，不能上报',
  too_large: '照片太大',
};

/**
 * @param {Entry[]} entries
 * @param {string} who
 */
export function showWaiting(entries, who) {
  const view = clone('waiting');
  const list = place(view, 'list');
  for (const one of entries) list.append(line(one, who));
  place(view, 'none').hidden = entries.length > 0;
  part('view').replaceChildren(view);
}

/**
 * @param {Entry} one
 * @param {string} who
 */
function line(one, who) {
  const view = clone('entry');
  const kind = one.at.endsWith('/revisit') ? '回访' : '走访';
  into(view, {
    what: `${kind} ${one.subject} ${one.whom}`,
    when: `${new Date(one.kept).toLocaleString('zh-CN', { dateStyle: 'medium', timeStyle: 'short' })}登记${one.photos.length ? `，照片 ${one.photos.length} 张` : ''}`,
    text: one.fields.text ?? '',
  });
  const [check, drop] = view.querySelectorAll('button');
  place(view, 'state').append(state(one));
  if (one.state === 'refused') into(view, { said: (one.said ?? []).join('；') });
  if (one.state === 'expired') into(view, { said: '14 天没有报上去，内容已从手机删除：请重新登记' });
  check.hidden = one.state !== 'refused' || one.why === 'not_yours';
  check.onclick = () => open(one, who);
  drop.hidden = one.state === 'waiting';
  drop.onclick = async () => {
    const ask = '从手机上删掉这一条？删掉以后不能恢复，也不会上报。';
    if (one.state !== 'expired' && !confirm(ask)) return;
    await dropEntry(one.id);
    view.remove();
  };
  return view;
}

/** @param {Entry} one */
function state(one) {
  switch (one.state) {
    case 'waiting':
      return mark('yellow', `● 等有网后自动上报，手机上还留 ${daysLeft(one)} 天`);
    case 'refused':
      return mark('red', `▲ 没有收下：${WHY[one.why ?? 'wrong']}`);
    default:
      return mark('red', '▲ 过期');
  }
}

/**
 * Opens it as the form that it was, for whoever made it to look at: what changed since is shown by the service.
 * @param {Entry} one
 * @param {string} who
 */
function open(one, who) {
  const form = document.createElement('form');
  Object.assign(form, { method: 'post', action: one.at, enctype: 'multipart/form-data', hidden: true });
  const put = (/** @type {string} */ name, /** @type {string} */ value) => {
    const input = document.createElement('input');
    Object.assign(input, { type: 'hidden', name, value });
    form.append(input);
  };
  put('key', who);
  for (const [name, value] of Object.entries(one.fields)) put(name, value);
  if (one.photos.length) {
    const [input, transfer] = [document.createElement('input'), new DataTransfer()];
    one.photos.forEach(({ type, bytes }, at) => transfer.items.add(new File([bytes], `${at + 1}.jpg`, { type })));
    Object.assign(input, { type: 'file', name: 'photos', multiple: true, files: transfer.files });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}
