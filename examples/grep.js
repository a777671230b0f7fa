// A grep for files of any size, also larger than memory. The pattern is a JavaScript RegExp.
//   node examples/grep.js <pattern> <file>
const { once } = require('node:events');
const { Mmap } = require('memmap');

async function grep(pattern, file) {
  const map = Mmap.open(file);
  const [red, plain] = process.stdout.isTTY ? ['\x1b[1;31m', '\x1b[0m'] : ['', ''];
  const progress = (done, total) => process.stderr.write(`${((done / total) * 100) | 0} %\r`);
  const onProgress = process.stderr.isTTY ? progress : undefined;
  let next = 0; // where the line after the last one shown begins
  for await (const { index } of map.scan(new RegExp(pattern, 'm'), { onProgress })) {
    if (index < next || index === map.length) continue;
    const start = index === 0 ? 0 : map.lastIndexOf('\n', index - 1) + 1;
    const feed = map.indexOf('\n', index);
    next = feed < 0 ? Number.POSITIVE_INFINITY : feed + 1;
    const line = map.subarray(start, feed < 0 ? undefined : feed).toString('latin1');
    const shown = line.replace(new RegExp(pattern, 'g'), (match) => `${red}${match}${plain}`);
    if (!process.stdout.write(`${shown}\n`, 'latin1')) await once(process.stdout, 'drain');
  }
  map.close();
}

process.stdout.on('error', () => process.exit()); // the reader has closed the pipe, as `| head` does
const [pattern, file] = process.argv.slice(2);
if (file === undefined) console.error('usage: node examples/grep.js <pattern> <file>');
else grep(pattern, file);
