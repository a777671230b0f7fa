/** A registry of npm packages on this machine, with an empty storage and nothing behind it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { verdaccio } from './tools.mjs';

const START_WITHIN = 60_000;

/** Everybody may publish. What is not published there does not exist: memmap has no dependencies. */
function config(folder) {
  return `
storage: ${JSON.stringify(join(folder, 'storage'))}
auth:
  htpasswd:
    file: ${JSON.stringify(join(folder, 'htpasswd'))}
packages:
  '**':
    access: $all
    publish: $all
    unpublish: $all
max_body_size: 200mb
web:
  enable: false
log: { type: stdout, format: pretty, level: warn }
`;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(url, process) {
  for (const end = Date.now() + START_WITHIN; Date.now() < end; await setTimeout(100)) {
    if (process.exitCode !== null) return false;
    const answer = await fetch(`${url}-/ping`).catch(() => undefined);
    if (answer?.ok) return true;
  }
  return false;
}

/**
 * Starts one, with its files in `folder`. Returns its address and `stop()`. `npm` needs some token to
 * publish; the registry does not look at it.
 */
export async function startRegistry(folder) {
  const program = await verdaccio();
  mkdirSync(folder, { recursive: true });
  const settings = join(folder, 'config.yaml');
  writeFileSync(settings, config(folder));
  const log = join(folder, 'log.txt');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const server = spawn(
    process.execPath,
    [program, '--config', settings, '--listen', `127.0.0.1:${port}`],
    { cwd: folder, stdio: ['ignore', openSync(log, 'w'), openSync(log, 'a')] },
  );
  // Should this process be ended, it goes along.
  process.once('exit', () => server.kill());
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill();
    await ended;
  };
  if (!(await answers(url, server))) {
    await stop();
    throw new Error(`the registry did not start: ${readFileSync(log, 'utf8')}`);
  }
  return { url, stop };
}

/** The environment in which npm and its like know that registry alone, and keep what they fetch in `folder`. */
export function registryEnvironment({ url }, folder) {
  mkdirSync(folder, { recursive: true });
  const npmrc = join(folder, 'npmrc');
  writeFileSync(npmrc, `registry=${url}\n${url.replace(/^http:/, '')}:_authToken=none\n`);
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm|yarn|pnpm|xdg|github|actions)_|^(CI|INIT_CWD|NODE_OPTIONS)$/i.test(name),
  );
  return {
    ...Object.fromEntries(own),
    HOME: folder,
    npm_config_registry: url,
    npm_config_userconfig: npmrc,
    npm_config_globalconfig: join(folder, 'no-npmrc'),
    npm_config_cache: join(folder, 'npm'),
    npm_config_update_notifier: 'false',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    YARN_CACHE_FOLDER: join(folder, 'yarn'),
    YARN_GLOBAL_FOLDER: join(folder, 'yarn-global'),
    YARN_ENABLE_TELEMETRY: '0',
    YARN_NPM_REGISTRY_SERVER: url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
  };
}
