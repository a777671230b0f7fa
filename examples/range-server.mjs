/**
 * Serves one large file over HTTP, whole or by ranges (seek in a video, resume a download):
 * `node examples/range-server.mjs <path> [port]`
 */
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Mmap } from 'memmap';

const [path, port = '8080'] = process.argv.slice(2);
if (path === undefined) {
  console.log('usage: node examples/range-server.mjs <path> [port]');
  process.exit();
}
const map = Mmap.open(path);

/** The bytes that a header such as `bytes=0-99`, `bytes=100-` or `bytes=-10` asks for. */
function wanted(header) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (!first && !last) return { start: 0, end: map.length, status: 200 };
  const start = first ? Number(first) : Math.max(0, map.length - Number(last));
  const end = first && last ? Math.min(Number(last) + 1, map.length) : map.length;
  return { start, end, status: start < end ? 206 : 416 };
}

const server = createServer(async (request, response) => {
  const { start, end, status } = wanted(request.headers.range);
  const range = status === 416 ? '*' : `${start}-${end - 1}`;
  response.statusCode = status;
  response.setHeader('accept-ranges', 'bytes');
  if (status !== 200) response.setHeader('content-range', `bytes ${range}/${map.length}`);
  if (status === 416 || request.method === 'HEAD') return response.end();
  response.setHeader('content-length', end - start);
  // A reader that goes away, or a file that is truncated meanwhile, ends this response only.
  await pipeline(map.createReadStream({ start, end }), response).catch(() => {});
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
