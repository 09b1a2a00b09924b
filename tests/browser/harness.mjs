// A small township behind a network that can fail, for tests of pages in a real Chromium.
//
// It needs playwright-core and axe-core (NODE_PATH) and a Chromium (CHROMIUM, else /usr/bin/chromium).
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, request } from 'node:http';
import { createServer as listen } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const require = createRequire(join(resolve(process.env.NODE_PATH ?? 'node_modules'), 'x.js'));
export const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const PASSWORD = '路灯 修好 三月';
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

const freePort = () => new Promise((done) => {
  const server = listen().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

export const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** Waits until something holds, and says what doesn't. */
export async function until(what, holds) {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await Promise.resolve(holds()).catch(() => false)) return;
    await pause(200);
  }
  assert.fail(`it never held: ${what}`);
}

/**
 * A network between browsers and the service: "up", "down" (no answer at all), or "losing" (the service gets all that is sent, and
 * every other time nobody hears its answer).
 */
class Network {
  state = 'up';
  lost = 0;
  #loses = true;
  #server;

  constructor(port, to) {
    this.#server = createServer((asked, answer) => this.#pass(asked, answer, to));
    this.#server.on('connection', (socket) => { if (this.state === 'down') socket.destroy(); });
    this.#server.listen(port, '127.0.0.1');
  }

  #pass(asked, answer, to) {
    if (this.state === 'down') {
      asked.socket.destroy();
      return;
    }
    const { method, url: path, headers } = asked;
    const posts = this.state === 'losing' && method === 'POST';
    const losing = posts && this.#loses;
    if (posts) this.#loses = !this.#loses;
    const on = request({ host: '127.0.0.1', port: to, method, path, headers }, (told) => {
      if (losing) {
        told.resume().on('end', () => { this.lost += 1; asked.socket.destroy(); });
        return;
      }
      answer.writeHead(told.statusCode, told.headers);
      told.pipe(answer);
    });
    on.on('error', () => asked.socket.destroy());
    asked.pipe(on);
  }

  set(state) {
    this.state = state;
    if (state === 'down') this.#server.closeAllConnections();
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A township of its own, with the service running. */
export class Township {
  constructor(program) {
    this.program = resolve(program);
    this.folder = mkdtempSync(join(tmpdir(), 'zoufang-browser-'));
  }

  /** With what the settings say besides, once the address is known. */
  async start(tables, settings = (_url) => '') {
    const [port, to] = [await freePort(), await freePort()];
    this.url = `http://127.0.0.1:${port}`;
    const besides = await settings(this.url);
    writeFileSync(join(this.folder, 'zoufang.toml'), `[http]\nlisten = '127.0.0.1:${to}'\n${besides}`);
    this.run('key', 'zoufang.key');
    const words = ['serve', '--clock-start', '2022-03-29T09:00', '--clock-speed', '1'];
    this.service = spawn(this.program, words, { cwd: this.folder, stdio: 'ignore' });
    this.network = new Network(port, to);
    await until('the service is ready', async () => (await fetch(`${this.url}/readyz`)).ok);
    for (const [name, table] of Object.entries(tables)) this.import(name, table);
  }

  run(...words) {
    return execFileSync(this.program, words, { cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  import(name, table) {
    writeFileSync(join(this.folder, `${name}.csv`), table);
    this.run('import', `${name}.csv`);
  }

  /** A telephone's browser, with all that it keeps when it's closed. */
  async telephone(name, options = {}) {
    return chromium.launchPersistentContext(join(this.folder, name), {
      executablePath: EXECUTABLE, args: ['--no-sandbox'], locale: 'zh-CN', viewport: { width: 360, height: 740 }, hasTouch: true, ...options,
    });
  }

  /** A desk's browser, which keeps nothing. */
  async desk(options = {}) {
    this.browser ??= await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] });
    return this.browser.newContext({ locale: 'zh-CN', viewport: { width: 1280, height: 800 }, ...options });
  }

  /** Signs a person in for the first time. */
  async signIn(page, number) {
    await page.goto(this.run('account', 'invite', number, '--by', 'Z1').trim().replace(/^https?:\/\/[^/]+/, this.url));
    await page.fill('#password', PASSWORD);
    await page.fill('#again', PASSWORD);
    await page.click('main button');
    assert.equal(new URL(page.url()).pathname, '/my');
  }

  async end() {
    await this.browser?.close();
    this.network?.close();
    if (this.service) {
      const ended = new Promise((done) => { this.service.once('exit', done); });
      this.service.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until a page says something. */
export async function says(page, what) {
  let text = '';
  for (let tries = 0; tries < 75; tries += 1) {
    text = await page.textContent('main').catch(() => '');
    if (text.includes(what)) return;
    await pause(200);
  }
  assert.fail(`${page.url()} doesn't say ${what}: ${text.replace(/\s+/g, ' ')}`);
}

/** A page at three widths: nothing to scroll sideways for, and no serious finding; a picture of it where there's a folder. */
export async function look(page, picture) {
  for (const [width, height] of [[360, 740], [1280, 800], [1920, 1080]]) {
    await page.setViewportSize({ width, height });
    const [over, found] = await page.evaluate(async (source) => {
      (0, eval)(source);
      const { violations } = await axe.run();
      const serious = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
      const told = serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`);
      return [document.documentElement.scrollWidth - innerWidth, told];
    }, axe);
    assert.deepEqual(found, [], `${page.url()} at ${width}`);
    assert.ok(over <= 0, `${page.url()} at ${width}: ${over} too wide`);
    if (picture) await page.screenshot({ path: `${picture}-${width}.png`, fullPage: width === 360 });
  }
  await page.setViewportSize({ width: 360, height: 740 });
}
