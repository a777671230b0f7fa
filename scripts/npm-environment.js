/** The environment for npm. Its cache goes into .runtimes/ where the home directory is read-only. */
const { accessSync, constants, mkdirSync } = require('node:fs');
const { homedir } = require('node:os');
const { join } = require('node:path');

function isWritable(folder) {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** What a child process that runs npm gets as `env`. */
module.exports = function npmEnvironment() {
  // Scripts that npm runs find the cache here; others take npm's default for Unix.
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm');
  if (process.platform === 'win32' || isWritable(cache)) return process.env;
  return { ...process.env, npm_config_cache: join(__dirname, '..', '.runtimes', 'npm-cache') };
};
