// What survivors.js asks of Bun: `bun bun.js <scenario> <path>`. Bun has no read-only maps; what is
// not shared is private, so that a stray write stays in the process.
const { play } = require('./play');

const [, , scenario, path] = process.argv;
play(scenario, Bun.mmap(path, { shared: scenario !== 'stray write' }), () => {});
