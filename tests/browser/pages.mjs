// The pages of whoever signs in, in a real Chromium: a village's day on a telephone and on a desk, without a line of script;
// every page at three widths without serious findings of axe and without scrolling sideways.
//
//   node tests/browser/pages.mjs PROGRAM [FOLDER]     with a folder, pictures for the docs are put there
//
// It needs playwright-core and axe-core (NODE_PATH) and a Chromium (CHROMIUM, else /usr/bin/chromium).
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(resolve(process.env.NODE_PATH ?? 'node_modules'), 'x.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const program = resolve(process.argv[2] ?? 'target/debug/zoufang');
const pictures = process.argv[3] && resolve(process.argv[3]);

const NAMES = ['王建国', '李秀英', '张明', '刘桂兰', '陈志强', '杨春梅', '赵永福', '黄丽'];
const TABLES = {
  areas: `区划代码,区划名称,区划类型,上级区划
370481111000,柴胡店镇,镇,370481000000
,第一总支,总支,370481111000
370481111200,高桥村委会,村,第一总支
`,
  staff: `人员编号,姓名,角色,所属区划,工作单位,手机号
Z1,周正,领导小组,370481111000,镇党委,10000000001
Z2,吴心,镇社会治理综合服务中心,370481111000,服务中心,10000000002
Z3,郑书,总支书记,第一总支,第一总支,10000000003
Z5,陈网,网格员,高桥村,高桥村,10000000005
Z6,褚走,走访人员,高桥村,高桥村,10000000006
Z7,孙组,组织人事办公室,370481111000,组织人事办公室,10000000007
Z8,钱督,督导组,370481111000,督导组,10000000008
Z9,李城,镇直部门,370481111000,城建办,10000000009
`,
  subjects: '对象编号,对象类型,对象名称,所属村,地址\n'
    + NAMES.map((name, i) => `H${i + 1},家庭,${name},高桥村,高桥村${i + 1}号\n`).join(''),
  assignments: '对象编号,走访人员\n' + NAMES.map((_, i) => `H${i + 1},Z6\n`).join(''),
  visits: `走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急
2022-03-05,Z6,H1,王建国,13800000001,村口3盏路灯不亮，晚上走路不方便,有,镇村自办,居住环境,急
2022-03-06,Z6,H2,李秀英,13800000002,,无,,,
2022-03-08,Z6,H6,杨春梅,13800000006,家门口下水道堵塞,有,,,
`,
  registered: '对象编号,群众姓名,未走访原因,联系方式\nH4,刘桂兰,,13800000004\nH4,刘小军,外出务工,\n',
  results: '问题编号,办理结果,办理人\nCHD2022-000001,已更换灯泡3只，试灯正常,陈网\n',
};
const PASSWORD = '路灯 修好 三月';

const folder = mkdtempSync(join(tmpdir(), 'zoufang-pages-'));
const run = (...words) => execFileSync(program, words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const port = await freePort();
const url = `http://127.0.0.1:${port}`;
writeFileSync(join(folder, 'zoufang.toml'), `[http]\nlisten = '127.0.0.1:${port}'\n`);
run('key', 'zoufang.key');
const service = spawn(program, ['serve', '--clock-start', '2022-03-29T09:00', '--clock-speed', '1'], { cwd: folder, stdio: 'ignore' });
let browser;
try {
  await ready();
  for (const [name, table] of Object.entries(TABLES)) {
    writeFileSync(join(folder, `${name}.csv`), table);
    run('import', `${name}.csv`);
  }
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  await aVisitorsDay();
  await branchDesk();
  await withoutScript();
  await ledgerAndWall();
  await television();
  await officeDay();
  await inspectorsDay();
  await centreAndUnit();
  await prints();
  console.log('pages: well');
} finally {
  await browser?.close();
  const ended = new Promise((done) => { service.once('exit', done); });
  service.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

async function ready() {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error('the service never became ready');
}

/** A browser of this person's, signed in for the first time. */
async function signedIn(number, options = {}) {
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 360, height: 740 }, ...options });
  const page = await context.newPage();
  const strangers = [];
  page.on('request', (request) => { if (!request.url().startsWith(url)) strangers.push(request.url()); });
  const link = run('account', 'invite', number, '--by', 'Z1').trim();
  await page.goto(link);
  if (!options.plain) await look(page, null);
  await page.fill('#password', PASSWORD);
  await page.fill('#again', PASSWORD);
  await page.click('main button');
  assert.equal(new URL(page.url()).pathname, '/my');
  assert.deepEqual(strangers, [], 'nothing is asked of anybody else');
  return page;
}

/** Waits until a page says something. */
async function says(page, what) {
  let text = '';
  for (let tries = 0; tries < 50; tries += 1) {
    text = await page.textContent('main').catch(() => '');
    if (text.includes(what)) return;
    await new Promise((done) => setTimeout(done, 200));
  }
  assert.fail(`${page.url()} doesn't say ${what}: ${text.replace(/\s+/g, ' ')}`);
}

/** A page at three widths: nothing to scroll sideways for, and no serious finding. */
async function look(page, name) {
  for (const [width, height] of [[360, 740], [1280, 800], [1920, 1080]]) {
    await page.setViewportSize({ width, height });
    const [over, found, passed] = await page.evaluate(async (source) => {
      (0, eval)(source);
      const { violations, passes } = await axe.run();
      const serious = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
      const told = serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`);
      return [document.documentElement.scrollWidth - innerWidth, told, passes.length];
    }, axe);
    // A table is one where there's room for it: its heads stand above its columns.
    if (width >= 1280) {
      const apart = await page.evaluate(() => [...document.querySelectorAll('table')]
        .filter((table) => getComputedStyle(table).display !== 'table').map((table) => table.className));
      assert.deepEqual(apart, [], `${page.url()} at ${width}: tables that are none`);
    }
    assert.deepEqual(found, [], `${page.url()} at ${width}`);
    assert.ok(over <= 0 && passed > 5, `${page.url()} at ${width}: ${over} too wide, ${passed} passed`);
    if (pictures && name && (width === 360) === name.small) {
      await page.screenshot({ path: join(pictures, `${name.file}.png`), fullPage: name.small });
    }
  }
  await page.setViewportSize({ width: 360, height: 740 });
}

/** What is printed: nothing is cut or runs out of its place, every sheet is one page, and no serious finding. */
async function prints() {
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  for (const kind of ['工作牌', '明白纸', '联系服务群众卡', '走访登记表']) {
    run('print', kind, '--reveal', '--by', 'Z1', '-o', `${kind}.html`);
    await page.goto(pathToFileURL(join(folder, `${kind}.html`)).href);
    const [sheets, cut, found] = await page.evaluate(async (source) => {
      (0, eval)(source);
      const sheets = document.querySelectorAll('.sheet, .side');
      const places = document.querySelectorAll('.sheet, .side, .card, .card *, td, th, p');
      const cut = [...places].filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0);
      const low = [...document.querySelectorAll('.sheet, .side, .card')].filter((one) => one.scrollHeight > one.clientHeight + 1);
      const { violations } = await axe.run();
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      return [sheets.length, [...cut, ...low].map((one) => one.outerHTML.slice(0, 120)), serious.map(({ id }) => id)];
    }, axe);
    assert.deepEqual([cut, found], [[], []], kind);
    const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString('latin1');
    assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, sheets, `${kind}: a page for each sheet`);
  }
}

async function aVisitorsDay() {
  const out = await (await browser.newContext({ bypassCSP: true })).newPage();
  await out.goto(`${url}/my`);
  await look(out, null);
  // axe is script; the pages themselves allow none.
  const page = await signedIn('Z6', { bypassCSP: true, hasTouch: true });
  await look(page, { file: 'my-page', small: true });
  let taps = 0;
  const tap = async (what) => { await page.locator(what).first().tap(); taps += 1; };
  const go = async (what) => { await Promise.all([page.waitForNavigation(), tap(what)]); };
  await go('a:has-text("入户走访")');
  await look(page, null);
  await go('a:has-text("刘桂兰")');
  await look(page, null);
  await go('a:has-text("登记走访")');
  await look(page, { file: 'visit', small: true });
  const choose = async (what) => { await page.locator(what).check(); taps += 1; };
  await choose('input[value=nothing]');
  await choose('input[name=pledge]');
  await go('form.visit button');
  await says(page, '已登记：刘'); // 刘桂兰, or who else lives there: whoever stands first
  assert.ok(taps <= 6, `recorded in ${taps} taps from one's page`);
  await look(page, null);
  await page.goto(`${url}/my/households/H3/visit`);
  await page.check('input[value=issue]');
  await page.tap('form.visit button');
  await says(page, '没有登记');
  await look(page, null);
  await page.fill('#name', '张明');
  await page.fill('#text', '孩子上学路口没有红绿灯');
  await page.check('input[name=pledge]');
  await page.dblclick('form.visit button');
  await says(page, 'CHD2022-000003');
  assert.equal(run('issue', 'list').split('张明').length, 1);
  assert.equal(run('issue', 'list').trim().split('\n').length, 4, 'a double tap records once');
  await page.goto(`${url}/my/households/H1`);
  await page.tap('text=登记回访');
  await says(page, '要带去的答复：已更换灯泡');
  await look(page, null);
  await page.check('input[value=satisfied]');
  await page.check('input[name=pledge]');
  await page.tap('form.visit button');
  await says(page, '已回访，满意');
  await page.goto(`${url}/my/issues/CHD2022-000001`);
  await says(page, '已销号');
  await look(page, null);
}

async function branchDesk() {
  const page = await signedIn('Z3', { bypassCSP: true });
  await look(page, null);
  await page.goto(`${url}/my/issues/CHD2022-000002`);
  assert.equal(await page.getByText('下水道').count(), 0, 'hidden from whoever needn\'t know');
  await look(page, { file: 'issue-page', small: false });
  await page.click('text=记入审计');
  await says(page, '家门口下水道堵塞');
}

/** A leader's desk: the ledger with a filter, its search, the workbook; the wall chart down to an issue. */
async function ledgerAndWall() {
  const page = await signedIn('Z1', { bypassCSP: true, acceptDownloads: true });
  await page.goto(`${url}/my/issues`);
  await says(page, 'CHD2022-000002');
  await look(page, { file: 'ledger', small: false });
  await page.click('summary:has-text("筛选和排序")');
  await page.click('summary:has-text("查找")');
  await look(page, null);
  await page.selectOption('#phase', 'classify');
  await page.click('button:has-text("查看")');
  assert.ok(new URL(page.url()).searchParams.get('phase') === 'classify', 'the address says the filter');
  await says(page, '问题分类阶段');
  await page.click('summary:has-text("查找")');
  await page.fill('#phone', '13800000006');
  await page.click('form:has(#phone) button');
  await says(page, '按电话');
  assert.ok(!page.url().includes('1380'), 'no telephone in an address');
  await look(page, null);
  await page.goto(`${url}/my/issues?state=closed`);
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("导出")')]);
  assert.ok(readFileSync(await file.path()).subarray(0, 2).toString() === 'PK');
  await page.goto(`${url}/my/wall`);
  await says(page, '高桥村委会');
  await look(page, { file: 'wall', small: false });
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('nav[aria-label="主要页面"]').isHidden(), 'nothing to press on paper');
  await page.emulateMedia({ media: 'screen' });
  await page.click('th a:has-text("高桥村委会")');
  await says(page, '褚走（Z6）');
  await look(page, null);
  await page.click('a:has-text("褚走（Z6）")');
  await says(page, '责任田');
  await look(page, null);
  await page.click('tr:has-text("H1") a');
  await page.click('a:has-text("CHD2022-000001")');
  await says(page, '接下来').catch(() => says(page, '过程'));
  await look(page, null);
}

/** A television: all of it on one screen, renewed by itself, going on after an outage, ended. */
async function television() {
  const desk = await signedIn('Z1', { bypassCSP: true });
  await desk.goto(`${url}/my/screens`);
  await desk.fill('#at', '一楼大厅');
  await desk.click('button:has-text("开通")');
  const address = (await desk.textContent('.address')).trim();
  await look(desk, null);
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1920, height: 1080 } });
  const page = await context.newPage();
  const strangers = [];
  page.on('request', (request) => { if (!request.url().startsWith(url)) strangers.push(request.url()); });
  await page.clock.install();
  await page.goto(address);
  const size = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
  assert.ok(size[0] <= 1920 && size[1] <= 1080, `${size} on 1920 × 1080`);
  if (pictures) await page.screenshot({ path: join(pictures, 'screen.png') });
  // Nothing comes any more: it says since when, keeps what it has, and goes on by itself.
  await page.evaluate(() => { document.querySelector('main time').textContent = 'old'; });
  await context.setOffline(true);
  await page.clock.runFor(61_000);
  await page.waitForFunction(() => !document.getElementById('stale').hidden);
  assert.match(await page.textContent('#stale'), /起连不上服务器/);
  assert.equal(await page.textContent('main time'), 'old');
  await context.setOffline(false);
  await page.clock.runFor(11_000);
  await page.waitForFunction(() => document.getElementById('stale').hidden);
  assert.notEqual(await page.textContent('main time'), 'old');
  await desk.goto(`${url}/my/screens`);
  await desk.click('button:has-text("停用")');
  await page.clock.runFor(61_000);
  await page.waitForFunction(() => document.getElementById('stale').textContent.includes('已经停用'));
  assert.deepEqual(strangers, []);
  await context.close();
  const checked = await (await browser.newContext({ bypassCSP: true })).newPage();
  await desk.fill('#at', '会议室');
  await desk.click('button:has-text("开通")');
  await checked.goto((await desk.textContent('.address')).trim());
  await look(checked, null);
}

async function withoutScript() {
  const page = await signedIn('Z6', { javaScriptEnabled: false, plain: true });
  await page.goto(`${url}/my/households/H7/visit`);
  await page.fill('#name', '赵永福');
  await page.check('input[value=nothing]');
  await page.check('input[name=pledge]');
  await page.click('form.visit button');
  await says(page, '已登记：赵永福');
}

/** The office: a table that is brought, what is handed in, who is signed in; without a line of script. */
async function officeDay() {
  const page = await signedIn('Z7', { bypassCSP: true });
  const visit = async (path, name) => { await page.goto(`${url}${path}`); await look(page, name ?? null); };
  await visit('/my/imports');
  const bring = async (name, table) => {
    await page.goto(`${url}/my/imports`);
    await page.setInputFiles('#file', { name, mimeType: 'text/csv', buffer: Buffer.from(table) });
    await page.click('form[enctype] button');
  };
  await bring('新对象.csv', '对象编号,对象类型,对象名称,所属村,地址\nH91,楼房,冯新,高桥村,\n');
  await says(page, '没有导入，什么都没有改');
  await look(page, null);
  const [copy] = await Promise.all([page.waitForEvent('download'), page.click('text=下载标明错误的副本')]);
  assert.equal(copy.suggestedFilename(), '新对象.错误.csv');
  assert.ok(readFileSync(await copy.path(), 'utf8').includes('问题说明'));
  await bring('新对象.csv', '对象编号,对象类型,对象名称,所属村,地址\nH91,家庭,冯新,高桥村,\n');
  await says(page, '核对通过，还没有写入');
  await look(page, { file: 'import-page', small: false });
  assert.ok(!run('export', '走访对象表').includes('H91'), 'nothing before it is confirmed');
  await page.click('text=确认导入');
  await says(page, '已导入');
  assert.ok(run('export', '走访对象表').includes('H91'));
  await visit('/my/desk', { file: 'desk-page', small: false });
  for (const path of ['/my/desk/debts', '/my/desk/debts?state=ready', '/my/desk/accounts', '/my/desk/accounts/Z6', '/my/desk/audit', '/my/people', '/my/missing', '/my/missing?kind=materials', '/my/centre', '/my/security']) await visit(path);
  await visit('/my/hand-ins');
  await page.click('a[href^="/my/hand-ins?what="]:has-text("走访材料准备")');
  await page.click('a.task:has-text("高桥村")');
  await page.click('text=收到了纸质材料');
  await says(page, '已收到');
  await page.click('summary:has-text("退回")');
  await page.fill('#word', '少了明白纸');
  await page.click('button.grave');
  await says(page, '少了明白纸');
  await page.setInputFiles('#file', { name: '明白纸.docx', mimeType: 'application/octet-stream', buffer: Buffer.from('PK') });
  await page.click('button:text-is("报送")');
  await says(page, '已收到');
  await look(page, { file: 'hand-in-page', small: false });
  const [kept] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("下载 明白纸.docx")')]);
  assert.equal(kept.suggestedFilename(), '明白纸.docx');
  await says(page, '已收到');
}

async function inspectorsDay() {
  const page = await signedIn('Z8', { bypassCSP: true });
  await page.goto(`${url}/my/inspections`);
  await look(page, null);
  await page.click('summary:has-text("抽样")');
  await page.fill('#count', '1');
  await page.click('button:has-text("抽样")');
  await says(page, '还没有查');
  await page.click('a.task');
  await look(page, null);
  // Whom to ask there.
  await page.click('button:has-text("记入审计")');
  await says(page, '到哪里查、问什么');
  await look(page, null);
  await page.check('input[value=differs]');
  await page.fill('#text', '他说没有人来过');
  await page.click('main form button:text-is("登记")');
  await says(page, '与记录不符，等核实');
  await page.goto(`${url}/my/breaches`);
  await page.click('summary:has-text("登记一件违纪反映")');
  await page.fill('#area', '高桥村');
  await page.fill('#text', '收了一箱苹果');
  await page.click('button:has-text("登记，通知督导组")');
  await says(page, 'WJ-000001');
  await page.click('button:has-text("查看内容")');
  await says(page, '一箱苹果');
  await look(page, null);
}

async function centreAndUnit() {
  const centre = await signedIn('Z2', { bypassCSP: true });
  await centre.goto(`${url}/my/centre`);
  await look(centre, null);
  const unit = await signedIn('Z9', { bypassCSP: true });
  await unit.goto(`${url}/my/unit`);
  await look(unit, null);
}
