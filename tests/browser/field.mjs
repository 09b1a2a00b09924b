// A visitor's day without a network, in a real Chromium that is closed in between: each record is on the service once, with its
// photos, also where the answer was lost; what changed meanwhile is shown. And the resident's page behind a card's code.
//
//   node tests/browser/field.mjs PROGRAM [FOLDER]     with a folder, pictures of the pages are put there
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';

import { Township, look, pause, says, until } from './harness.mjs';

const pictures = process.argv[3] && resolve(process.argv[3]);
const picture = (name) => pictures && join(pictures, name);

const NAMES = ['王建国', '李秀英', '张明', '刘桂兰', '陈志强', '杨春梅', '赵永福', '黄丽'];
const TABLES = {
  areas: '区划代码,区划名称,区划类型,上级区划\n370481111000,柴胡店镇,镇,370481000000\n,第一总支,总支,370481111000\n370481111200,高桥村委会,村,第一总支\n',
  staff: `人员编号,姓名,角色,所属区划,工作单位,手机号
Z1,周正,领导小组,370481111000,镇党委,10000000001
Z3,郑书,总支书记,第一总支,第一总支,10000000003
Z5,陈网,网格员、走访人员,高桥村,高桥村,10000000005
Z6,褚走,走访人员,高桥村,高桥村,10000000006
`,
  subjects: '对象编号,对象类型,对象名称,所属村,地址\n' + NAMES.map((name, i) => `H${i + 1},家庭,${name},高桥村,高桥村${i + 1}号\n`).join(''),
  assignments: '对象编号,走访人员\n' + NAMES.map((_, i) => `H${i + 1},Z6\n`).join(''),
  visits: `走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急
2022-03-05,Z6,H1,王建国,13800000001,村口3盏路灯不亮,有,镇村自办,居住环境,急
2022-03-06,Z6,H2,李秀英,13800000002,,无,,,
`,
  results: '问题编号,办理结果,办理人\nCHD2022-000001,已更换灯泡3只，试灯正常,陈网\n',
};

const town = new Township(process.argv[2] ?? 'target/debug/zoufang');
let telephone;
/** Photos as a telephone's camera makes them. */
let camera;
try {
  await town.start(TABLES);
  await aDayWithoutANetwork();
  await byPlainForms();
  await looks();
  console.log('field: well');
} finally {
  await telephone?.close();
  await town.end();
}

/** The telephone's browser and its page; opened again, it has what it kept. */
async function opened() {
  telephone = await town.telephone('telephone');
  const page = telephone.pages()[0] ?? await telephone.newPage();
  page.on('pageerror', (error) => { throw error; });
  page.on('dialog', (dialog) => dialog.accept());
  return page;
}

/** Photos, large and with their place. */
async function photos(page, count) {
  const made = await page.evaluate(async (count) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 3000, height: 2000 });
    const all = [];
    for (let nth = 0; nth < count; nth += 1) {
      const pen = canvas.getContext('2d');
      pen.fillStyle = `hsl(${nth * 70} 60% 50%)`;
      pen.fillRect(0, 0, 3000, 2000);
      const blob = await new Promise((done) => { canvas.toBlob(done, 'image/jpeg', 0.9); });
      const bytes = new Uint8Array(await blob.arrayBuffer());
      all.push(btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), '')));
    }
    return all;
  }, count);
  return made.map((text, nth) => {
    const bytes = Buffer.from(text, 'base64');
    const place = Buffer.from('GPS 34.81N 117.21E');
    const head = Buffer.from([0xFF, 0xFE, 0, place.length + 2]);
    const buffer = Buffer.concat([bytes.subarray(0, 2), head, place, bytes.subarray(2)]);
    return { name: `IMG_${nth}.jpg`, mimeType: 'image/jpeg', buffer };
  });
}

function visits() {
  return town.run('export', '走访记录表').trim().split('\n').slice(1);
}

function issueCount() {
  return town.run('issue', 'list').trim().split('\n').length - 1;
}

/** Waits until the worker opens the pages; one that a busy machine couldn't bring is brought by the next page. */
async function worker(page) {
  await until('the worker is there', async () => {
    await pause(1000);
    if (await page.evaluate(() => Boolean(navigator.serviceWorker.controller))) return true;
    await page.reload();
    return false;
  });
}

/** Fills a form in and sends it. */
async function record(page, path, what) {
  await page.goto(`${town.url}${path}`);
  await page.waitForSelector('form.visit');
  if (what.name) await page.fill('#name', what.name);
  if (what.heard) await page.check(`input[value=${what.heard}]`);
  if (what.answer) await page.check(`input[value=${what.answer}]`);
  if (what.text) await page.fill('#text', what.text);
  if (what.photos) {
    for (const one of what.photos) {
      const before = await page.locator('ul.photos img').count();
      await page.setInputFiles('#photos', [one]);
      await until('the photo is shown', async () => await page.locator('ul.photos img').count() === before + 1);
    }
  }
  await page.check('input[name=pledge]');
  await page.tap('form.visit button.wide');
}

async function aDayWithoutANetwork() {
  town.run('subject', 'end', 'H5', '--why', '迁出', '--since', '2022-03-10', '--by', 'Z3', '--reason', '搬到市里');
  let page = await opened();
  await town.signIn(page, 'Z6');
  camera = await photos(page, 2);
  await page.goto(`${town.url}/my/households`);
  await worker(page);
  await until('the households are kept', () => kept(page, 'pack'));
  town.network.set('down');
  await aMorning(page);
  // The battery dies at noon.
  await telephone.close();
  page = await opened();
  await page.goto(`${town.url}/my`);
  await says(page, '走访 H3 张明');
  await anAfternoon(page);
  assert.equal(visits().length, 2, 'nothing is on the service yet');
  // Meanwhile somebody else records there, and a household is given to another.
  town.import('meanwhile', `${TABLES.visits.split('\n')[0]}\n2022-03-28,Z6,H2,李秀英,13800000002,,无,,,\n`);
  town.run('reassign', 'H8', '--to', 'Z5', '--by', 'Z3', '--reason', '换人');
  // Back, by a network that loses the first answer to each: the service has it, the telephone doesn't know.
  town.network.set('losing');
  await page.goto(`${town.url}/my`);
  await until('an answer was lost', () => town.network.lost >= 1);
  await until('the service has it', () => visits().length >= 4);
  await telephone.close();
  page = await opened();
  await until('all was sent', async () => {
    await page.goto(`${town.url}/my`);
    await says(page, '没有收下');
    const text = await page.textContent('main');
    return text.includes('有 2 条没有收下，要您核对') && !text.includes('还没上报');
  });
  assert.ok(town.network.lost >= 6, `${town.network.lost} answers were lost`);
  town.network.set('up');
  // Two of 张明's matters, the revisit, H7; and what stood before and came in meanwhile.
  assert.equal(visits().length, 3 + 4, visits().join('\n'));
  assert.equal(issueCount(), 3);
  await itsPhotos(page);
  await whatChangedMeanwhile(page);
  await theEnd(page);
}

async function aMorning(page) {
  await page.goto(`${town.url}/my/households`);
  await says(page, '没有网络');
  let taps = 0;
  const tap = async (what) => { await page.locator(what).first().tap(); taps += 1; };
  await tap('a:has-text("赵永福")');
  await says(page, '登记走访');
  await tap('a:has-text("登记走访：另一位")');
  await page.fill('#name', '赵永福');
  await tap('input[value=nothing]');
  await tap('input[name=pledge]');
  await tap('form.visit button.wide');
  await says(page, '已存在手机上，还没上报');
  assert.ok(taps <= 5, `recorded in ${taps} taps`);
  await record(page, '/my/households/H3/visit', { name: '张明', heard: 'issue', text: '孩子上学路口没有红绿灯', photos: camera });
  await says(page, '手机上有 2 条还没上报');
}

async function anAfternoon(page) {
  // Another matter of somebody whom the service doesn't know yet; a revisit with its answer.
  await record(page, '/my/households/H3/visit', { name: '张明', heard: 'issue', text: '家门口下水道堵塞' });
  await says(page, '手机上有 3 条还没上报');
  await page.goto(`${town.url}/my/households/H1`);
  await page.tap('a:has-text("登记回访")');
  await says(page, '要带去的答复：已更换灯泡');
  await page.check('input[value=satisfied]');
  await page.check('input[name=pledge]');
  await page.tap('form.visit button.wide');
  await says(page, '手机上有 4 条还没上报');
  await page.goto(`${town.url}/my/households/H2`);
  await page.tap('a:has-text("登记走访") >> nth=0');
  await page.check('input[value=issue]');
  await page.fill('#text', '井盖松动');
  await page.check('input[name=pledge]');
  await page.tap('form.visit button.wide');
  await says(page, '手机上有 5 条还没上报');
  await record(page, '/my/households/H8/visit', { name: '黄丽', heard: 'nothing' });
  await says(page, '手机上有 6 条还没上报');
  await whatEnded(page);
}

/** Nobody goes any more to what ended: there, a visit of until then alone can be recorded. */
async function whatEnded(page) {
  await page.goto(`${town.url}/my/households`);
  await says(page, '2022-03-10 起不再走访');
  await page.tap('a:has-text("陈志强")');
  await says(page, '2022-03-10 起不再走访：没有完成的走访、回访不再要求');
  await page.tap('a:has-text("登记走访：另一位")');
  await says(page, '只补登到那天为止的走访');
  const day = page.locator('#on');
  assert.deepEqual([await day.inputValue(), await day.getAttribute('max')], ['2022-03-10', '2022-03-10']);
}

async function itsPhotos(page) {
  await page.goto(`${town.url}/my/households/H3`);
  await says(page, '孩子上学路口没有红绿灯');
  assert.equal(await page.locator('strong:has-text("张明")').count(), 1, 'one resident');
  await page.tap('a:has-text("CHD2022-00000")');
  await page.waitForSelector('ul.photos img');
  const shown = await page.evaluate(async () => {
    const all = [...document.querySelectorAll('ul.photos img')];
    return Promise.all(all.map(async (image) => {
      await image.decode();
      const bytes = await (await fetch(image.src)).arrayBuffer();
      return [image.naturalWidth, bytes.byteLength, new TextDecoder('latin1').decode(bytes).includes('GPS')];
    }));
  });
  assert.equal(shown.length, 2, 'its photos are there once');
  for (const [width, bytes, place] of shown) assert.ok(width === 1600 && bytes < 500_000 && !place, String([width, bytes, place]));
}

async function whatChangedMeanwhile(page) {
  await page.goto(`${town.url}/my/offline`);
  await says(page, '这一户在您离线时有了新的登记');
  await says(page, '这一户已不由您走访');
  await page.tap('button:has-text("打开核对"):visible');
  await says(page, '在您打开页面之后');
  assert.equal(await page.inputValue('#text'), '井盖松动');
  await page.tap('form.visit button.wide');
  await says(page, '已登记：李秀英');
  assert.equal(issueCount(), 4);
  await page.goto(`${town.url}/my/offline`);
  await says(page, '不能上报');
  await page.tap('button:has-text("从手机上删掉"):visible');
  await until('it has gone', async () => !(await kept(page, 'records')));
}

/** What is kept ends with the sign-in. */
async function theEnd(page) {
  await page.goto(`${town.url}/my`);
  await page.tap('button:has-text("退出")');
  await until('signed out', () => page.url().includes('/my/sign-in'));
  await until('nothing is kept', async () => !(await kept(page, 'pack')) && !(await kept(page, 'records')));
  town.network.set('down');
  const nothing = await page.goto(`${town.url}/my`).catch(() => null);
  assert.ok(!nothing || !(await page.content()).includes('赵永福'));
  town.network.set('up');
  await telephone.close();
  telephone = null;
}

/** Whether the telephone keeps anything of that kind. */
function kept(page, store) {
  return page.evaluate(async (store) => {
    if (!(await indexedDB.databases()).some((one) => one.name === 'zoufang')) return false;
    const base = await new Promise((done, failed) => {
      const asked = indexedDB.open('zoufang');
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
    try {
      if (!base.objectStoreNames.contains(store)) return false;
      return await new Promise((done) => {
        const asked = base.transaction(store).objectStore(store).count();
        asked.onsuccess = () => done(asked.result > 0);
      });
    } finally {
      base.close();
    }
  }, store);
}

async function byPlainForms() {
  telephone = await town.telephone('plain', { javaScriptEnabled: false });
  const page = telephone.pages()[0];
  await town.signIn(page, 'Z6');
  await page.goto(`${town.url}/my/households/H4/visit`);
  await page.fill('#name', '刘桂兰');
  await page.check('input[value=issue]');
  await page.fill('#text', '院墙要倒');
  await page.check('input[name=pledge]');
  await page.setInputFiles('#photos', [camera[0]]);
  await page.click('form.visit button.wide');
  await says(page, '已登记：刘桂兰');
  await page.click('main a:has-text("CHD2022")');
  assert.equal(await page.locator('ul.photos img').count(), 1);
  await telephone.close();
  telephone = null;
}

/** Every new page at three widths; axe is script, which the pages themselves don't allow. */
async function looks() {
  telephone = await town.telephone('looks', { bypassCSP: true });
  const page = telephone.pages()[0];
  await town.signIn(page, 'Z6');
  await page.goto(`${town.url}/my/households/H5/visit`);
  await page.check('input[value=issue]');
  const [one] = camera;
  await page.setInputFiles('#photos', [one]);
  await page.waitForSelector('ul.photos img');
  await look(page, picture('visit-photos'));
  await page.goto(`${town.url}/my/issues/CHD2022-000002`);
  await look(page, picture('issue-photos'));
  await page.goto(`${town.url}/my/households/H1`);
  const card = await page.getAttribute('a[href*="/card/"]', 'href');
  await until('the households are kept', () => kept(page, 'pack'));
  await worker(page);
  town.network.set('down');
  await page.goto(`${town.url}/my/households`);
  await says(page, '没有网络');
  await look(page, picture('offline-list'));
  await page.goto(`${town.url}/my/households/H1`);
  await says(page, '登记回访');
  await look(page, picture('offline-household'));
  await record(page, '/my/households/H6/visit', { name: '杨春梅', heard: 'issue', text: '路面坑洼', photos: [one] });
  await says(page, '手机上有 1 条还没上报');
  await page.goto(`${town.url}/my/offline`);
  await says(page, '等有网后自动上报');
  await look(page, picture('offline-waiting'));
  await page.goto(`${town.url}/my/households/H1/revisit`);
  await page.waitForSelector('form.visit');
  await look(page, picture('offline-revisit'));
  town.network.set('up');
  await theResident(await telephone.newPage(), card);
}

async function theResident(page, card) {
  await page.goto(`${town.url}${card}`);
  await look(page, picture('card'));
  await page.fill('#digits', '9999');
  await page.tap('main button');
  await says(page, '没有查到');
  await page.fill('#digits', '0001');
  await page.tap('main button');
  await says(page, '已经办结');
  assert.equal(await page.getByText('王建国').count(), 0);
  await look(page, picture('card-matters'));
}
