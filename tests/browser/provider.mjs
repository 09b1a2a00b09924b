// Signing in by an OpenID provider that nobody here made (oidc-provider, certified by the OpenID Foundation), in a real Chromium under
// the pages' own Content-Security-Policy: in, out, refused, unknown, with a code besides, and after its keys changed.
//
//   node tests/browser/provider.mjs PROGRAM [FOLDER]     with a folder, pictures of the sign-in page are put there
//
// It needs playwright-core, axe-core and oidc-provider (NODE_PATH) and a Chromium (CHROMIUM, else /usr/bin/chromium).
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { PASSWORD, Township, look, says } from './harness.mjs';

const modules = resolve(process.env.NODE_PATH ?? 'node_modules');
const { default: Provider } = await import(pathToFileURL(join(modules, 'oidc-provider/lib/index.js')).href);
const pictures = process.argv[3] && resolve(process.argv[3]);
// Of what a secret may be written with (RFC 6749, A.2), what forms write otherwise.
const SECRET = 'an unusual secret: /+%25&=';

const TABLES = {
  areas: '区划代码,区划名称,区划类型,上级区划\n370481111000,柴胡店镇,镇,370481000000\n,第一总支,总支,370481111000\n370481111200,高桥村委会,村,第一总支\n',
  staff: `人员编号,姓名,角色,所属区划,工作单位,手机号
Z1,周正,领导小组,370481111000,镇党委,10000000001
Z6,褚走,走访人员,高桥村,高桥村,10000000006
`,
};

/** The provider, at an address of its own; its keys can change. */
class Somebody {
  #answer = (_asked, answer) => { answer.writeHead(503).end(); };

  async start(back) {
    this.server = createServer((asked, answer) => this.#answer(asked, answer));
    await new Promise((done) => { this.server.listen(0, '127.0.0.1', done); });
    this.issuer = `http://127.0.0.1:${this.server.address().port}`;
    this.back = back;
    this.changeKeys('first');
  }

  changeKeys(kid) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
    const provider = new Provider(this.issuer, {
      clients: [{ client_id: 'zoufang', client_secret: SECRET, redirect_uris: [this.back], grant_types: ['authorization_code'], response_types: ['code'] }],
      jwks: { keys: [key] },
      pkce: { required: () => true },
      cookies: { keys: ['of a test'] },
      claims: { openid: ['sub'], profile: ['preferred_username'] },
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id }) }),
    });
    this.#answer = provider.callback();
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

const somebody = new Somebody();
const town = new Township(process.argv[2] ?? 'target/debug/zoufang');
try {
  await town.start(TABLES, async (url) => {
    await somebody.start(`${url}/my/sign-in/oidc/back`);
    return `[accounts]\nsecond_factor = 'required'\n[notify]\npublic_url = '${url}'\n`
      + `[sign_in.oidc]\nissuer = '${somebody.issuer}'\nclient_id = 'zoufang'\nclient_secret = '${SECRET}'\n`
      + "[sign_in.wecom]\ncorp_id = 'ww1'\nagent_id = 1000002\nsecret = 'nobody asks for it here'\n";
  });
  await looks();
  await inAndOut();
  await refusals();
  await leader();
  await changedKeys();
  console.log('provider: well');
} finally {
  await town.end();
  somebody.close();
}

/** The sign-in page at three widths; axe is script, which the page itself doesn't allow. */
async function looks() {
  const page = await (await town.desk({ bypassCSP: true })).newPage();
  await page.goto(`${town.url}/my`);
  await says(page, '用统一身份认证登录');
  await says(page, '用企业微信登录');
  await look(page, pictures && join(pictures, 'sign-in'));
  await page.goto(`${town.url}/my/sign-in/oidc/back?code=1&state=1`);
  await says(page, '不是这个浏览器刚才开始的登录');
  await look(page, pictures && join(pictures, 'sign-in-refused'));
}

/** Whose pages they are stands above each. */
async function isIn(page, name) {
  assert.ok((await page.textContent('header')).includes(name), `${page.url()} isn't ${name}'s`);
}

/** A browser of this person's, who has clicked the button and is at the provider. */
async function atProvider(options) {
  const page = await (await town.desk(options)).newPage();
  const blocked = [];
  page.on('console', (said) => { if (said.text().includes('Content Security Policy') && page.url().startsWith(town.url)) blocked.push(said.text()); });
  await page.goto(`${town.url}/my/households`);
  await page.click('text=用统一身份认证登录');
  await page.waitForURL(`${somebody.issuer}/**`);
  return { page, blocked };
}

/** Signs in at the provider's own pages, and agrees. */
async function signsInThere(page, login) {
  await page.fill('[name=login]', login);
  await page.fill('[name=password]', 'anything');
  await page.click('[type=submit]');
  await page.click('button:has-text("Continue")');
  await page.waitForURL(`${town.url}/**`);
}

async function inAndOut() {
  const { page, blocked } = await atProvider({ viewport: { width: 360, height: 740 }, hasTouch: true });
  await signsInThere(page, 'Z6');
  assert.equal(new URL(page.url()).pathname, '/my/households', 'back at the page that was wanted');
  await page.goto(`${town.url}/my`);
  await isIn(page, '褚走');
  assert.deepEqual(blocked, []);
  const kept = (await page.context().cookies(town.url)).map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]);
  // The provider's own stand beside them: cookies know no ports.
  const ours = kept.filter(([name]) => name.includes('zoufang') && name !== 'zoufang-form');
  assert.deepEqual(ours, [['zoufang', true, 'Lax']], 'nothing is left of the way');
  // Out; the provider still knows them, and they come in without a word.
  await page.click('text=退出');
  await page.waitForURL(`${town.url}/my/sign-in`);
  await page.click('text=用统一身份认证登录');
  await page.waitForURL(`${town.url}/my`);
  await isIn(page, '褚走');
  // In the trail by its way.
  const trail = town.run('audit', 'list', '--reveal', '--by', 'Z1');
  assert.ok(trail.includes('oidc'), trail);
}

async function refusals() {
  const unknown = await atProvider();
  await signsInThere(unknown.page, 'Z99');
  await says(unknown.page, '走访人员表里没有这个人');
  const cancels = await atProvider();
  await cancels.page.click('text=Cancel');
  await cancels.page.waitForURL(`${town.url}/**`);
  await says(cancels.page, '您点了取消');
  // By password from the same page.
  const link = town.run('account', 'invite', 'Z6', '--by', 'Z1').trim();
  const page = await (await town.desk()).newPage();
  await page.goto(link);
  await page.fill('#password', PASSWORD);
  await page.fill('#again', PASSWORD);
  await page.click('main button');
  await cancels.page.fill('#number', 'Z6');
  await cancels.page.fill('#password', PASSWORD);
  await cancels.page.click('main button');
  await cancels.page.waitForURL(`${town.url}/my/households`);
  assert.deepEqual([...unknown.blocked, ...cancels.blocked], []);
}

/** Who sees everything begins with a code, as by password. */
async function leader() {
  const { page } = await atProvider();
  await signsInThere(page, 'Z1');
  await page.goto(`${town.url}/my/desk`);
  assert.equal(new URL(page.url()).pathname, '/my/security');
}

async function changedKeys() {
  somebody.changeKeys('second');
  const { page } = await atProvider();
  await signsInThere(page, 'Z6');
  await page.goto(`${town.url}/my`);
  await isIn(page, '褚走');
}
