const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { Mmap, MmapError } = require('memmap');

exports.title = 'Errors that say what to do';

/** The error that `call` throws. */
function thrown(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error(`${call} threw nothing`);
}

exports.run = ({ folder, did, saw }) => {
  const missing = join(folder, 'missing');
  did('Mmap.open(missing)');
  const absent = thrown(() => Mmap.open(missing));
  did(`  ${absent.name}: ${absent.message}`);
  saw('it is an MmapError', absent instanceof MmapError, true);
  saw('code', absent.code, 'ENOENT');

  const small = join(folder, 'small');
  writeFileSync(small, 'ten bytes.');
  did('Mmap.open(small, { length: 1000 })');
  const beyond = thrown(() => Mmap.open(small, { length: 1000 }));
  did(`  ${beyond.name}: ${beyond.message}`);
  saw('it is a RangeError', beyond instanceof RangeError, true);
  saw('code', beyond.code, 'ERR_OUT_OF_RANGE');

  did('map.close(); map.buffer');
  const map = Mmap.open(small);
  map.close();
  const closed = thrown(() => map.buffer);
  did(`  ${closed.name}: ${closed.message}`);
  saw('code', closed.code, 'ERR_MMAP_CLOSED');
};
