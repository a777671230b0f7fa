/** Images: sharp. */
import test from 'ava';
import { Mmap } from 'memmap';
import sharp from 'sharp';
import { temporaryFile } from '../helpers/temporary';

const [width, height] = [64, 48];

test('sharp reads encoded and raw images from the map', async (t) => {
  const pixels = Buffer.alloc(width * height * 3, 200);
  const raw = { width, height, channels: 3 as const };
  using image = Mmap.open(temporaryFile(t, await sharp(pixels, { raw }).png().toBuffer()));
  const metadata = await sharp(image.buffer).metadata();
  t.deepEqual([metadata.width, metadata.height, metadata.format], [width, height, 'png']);
  t.deepEqual(await sharp(image.buffer).raw().toBuffer(), pixels);

  using map = Mmap.open(temporaryFile(t, pixels));
  const small = await sharp(map.buffer, { raw }).resize(8, 6).raw().toBuffer();
  t.deepEqual(small, Buffer.alloc(8 * 6 * 3, 200));
  t.is(map.faults.strayWrites + image.faults.strayWrites, 0);
});
