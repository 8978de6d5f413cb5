// Compiles every .wgsl file below a folder with Tint, Chrome's WGSL compiler, in a headless Chromium.
//   node check.mjs FOLDER
// Prints each shader that Tint refuses, with its first error, and the count. Fails if there is one, or no shader at all.
// CHROMIUM names the browser's program, if it is not `chromium`.
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';

const LIMIT_SECONDS = 300;

const folder = process.argv[2];
const all = fs
  .readdirSync(folder, { recursive: true })
  .filter(name => name.endsWith('.wgsl'))
  .sort()
  .map(name => ({ name, code: fs.readFileSync(path.join(folder, name), 'utf8') }));
// Adapters share many shaders.
const shaders = [...new Map(all.map(shader => [shader.code, shader])).values()];
if (shaders.length === 0) throw new Error(`no .wgsl file in ${folder}`);
// A browser that compiled nothing would find no error: this one must be refused.
const control = {
  name: 'control',
  code: `var<private> p: u32;
    @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
      p = i;
      if p > 3u { return; }
      workgroupBarrier();
    }`,
};

// Runs in the browser: compiles what /shaders lists and posts the errors to /result.
async function compileAll() {
  const result = { errors: [] };
  try {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter.requestDevice();
    for (const { name, code } of await (await fetch('/shaders')).json()) {
      device.pushErrorScope('validation');
      const info = await device.createShaderModule({ code }).getCompilationInfo();
      const message = info.messages.find(message => message.type === 'error');
      const refused = await device.popErrorScope();
      if (message) result.errors.push([name, `${message.lineNum}:${message.linePos} ${message.message}`]);
      else if (refused) result.errors.push([name, refused.message]);
    }
  } catch (error) {
    result.failure = String(error?.stack ?? error);
  }
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
}
const page = `<!doctype html><script type="module">${compileAll}\ncompileAll();</script>`;

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'tint-'));
let chromium;

// Ends the browser, which writes to its profile up to the end, then this program.
function finish(code) {
  const exit = () => {
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    process.exit(code);
  };
  if (!chromium?.pid || chromium.exitCode !== null) return exit();
  chromium.once('exit', exit);
  chromium.kill('SIGTERM');
  setTimeout(() => chromium.kill('SIGKILL'), 3000).unref();
}

function fail(why) {
  console.error(why);
  finish(1);
}

const server = http.createServer((request, response) => {
  if (request.method === 'POST') {
    let body = '';
    request.on('data', data => (body += data));
    request.on('end', () => {
      response.end();
      report(JSON.parse(body));
    });
  } else if (request.url === '/shaders') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([control, ...shaders]));
  } else {
    response.setHeader('content-type', 'text/html');
    response.end(page);
  }
});
// WebGPU needs a secure context, which 127.0.0.1 is.
server.listen(0, '127.0.0.1', () => {
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--user-data-dir=${profile}`,
    `http://127.0.0.1:${server.address().port}/`,
  ];
  chromium = spawn(process.env.CHROMIUM ?? 'chromium', flags, { stdio: 'ignore' });
  chromium.once('error', error => fail(`Chromium does not start: ${error.message}`));
});
setTimeout(() => fail(`no answer from Chromium within ${LIMIT_SECONDS} s`), LIMIT_SECONDS * 1000);

function report({ errors, failure }) {
  if (failure) return fail(`the page failed: ${failure}`);
  const refused = errors.filter(([name]) => name !== control.name);
  for (const [name, error] of refused) console.log(`${name}: ${error}`);
  console.log(`Tint compiles ${shaders.length - refused.length} of ${shaders.length} shaders`);
  if (refused.length === errors.length) return fail('Tint accepted the control, which is not valid');
  finish(refused.length > 0 ? 1 : 0);
}
