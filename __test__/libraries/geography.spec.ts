/** Maps of the world: maxmind, pmtiles, geotiff. */
import test from 'ava';
import { fromArrayBuffer, writeArrayBuffer } from 'geotiff';
import { Reader } from 'maxmind';
import { Mmap } from 'memmap';
import { PMTiles, zxyToTileId } from 'pmtiles';
import { temporaryFile } from '../helpers/temporary';
import { mmdb, pmtiles } from './formats';

test('maxmind looks up addresses in the map', (t) => {
  const content = mmdb([
    ['10.0.0.0/8', { country: { iso_code: 'XA' } }],
    ['192.168.0.0/16', { country: { iso_code: 'XB' } }],
    ['203.0.113.7/32', { country: { iso_code: 'XC' } }],
  ]);
  using map = Mmap.open(temporaryFile(t, content));
  // biome-ignore lint/suspicious/noExplicitAny: the records are those of this test
  const reader = new Reader<any>(map.buffer);
  t.is(reader.metadata.databaseType, 'Test');
  const country = (address: string) => reader.get(address)?.country.iso_code;
  t.deepEqual(['10.1.2.3', '192.168.3.4', '203.0.113.7', '203.0.113.8'].map(country), [
    'XA',
    'XB',
    'XC',
    undefined,
  ]);
  t.is(map.faults.strayWrites, 0);
});

test('pmtiles reads tiles by ranges', async (t) => {
  const tiles = [
    [zxyToTileId(0, 0, 0), Buffer.from('the world')],
    [zxyToTileId(1, 1, 0), Buffer.from('a quarter')],
    [zxyToTileId(3, 5, 2), Buffer.from('a sixty-fourth')],
  ] as [number, Buffer][];
  using map = Mmap.open(temporaryFile(t, pmtiles(tiles)));
  const archive = new PMTiles({
    getKey: () => 'map',
    getBytes: async (offset, length) => ({
      data: map.arrayBuffer(offset, Math.min(offset + length, map.length)),
    }),
  });
  t.is((await archive.getHeader()).numTileEntries, 3);
  const text = async (z: number, x: number, y: number) => {
    const tile = await archive.getZxy(z, x, y);
    return tile && Buffer.from(tile.data).toString();
  };
  t.is(await text(0, 0, 0), 'the world');
  t.is(await text(3, 5, 2), 'a sixty-fourth');
  t.is(await text(3, 5, 3), undefined);
});

test('geotiff reads a window of an image', async (t) => {
  const [width, height] = [64, 48];
  const values = Float32Array.from({ length: width * height }, (_, n) => n);
  const metadata = { width, height, BitsPerSample: [32], SampleFormat: [3] };
  const content = await writeArrayBuffer(values, metadata);
  using map = Mmap.open(temporaryFile(t, Buffer.from(content as ArrayBuffer)));
  const image = await (await fromArrayBuffer(map.arrayBuffer())).getImage();
  t.deepEqual([image.getWidth(), image.getHeight()], [width, height]);
  const [window] = await image.readRasters({ window: [10, 20, 13, 21] });
  t.deepEqual(window, Float32Array.of(1290, 1291, 1292));
  t.is(map.faults.strayWrites, 0);
});
