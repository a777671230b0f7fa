// Maps a file and reads its first byte: `bun open_close.bun.js <path>`. Reads a count from each line
// of standard input, and answers with the nanoseconds that it took and the byte. Bun cannot close a
// map: the garbage collector unmaps it.
const { createInterface } = require('node:readline');

const [, , path] = process.argv;
createInterface({ input: process.stdin }).on('line', (line) => {
  const count = Number(line);
  let seen = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) seen += Bun.mmap(path)[0];
  console.log(`${process.hrtime.bigint() - start} ${seen / count}`);
});
