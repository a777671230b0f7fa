/**
 * Cases that an emulator or another runtime cannot do, each with the reason. `on` names runtimes by
 * the beginnings of their names; `titles` are `spec › title` as ava prints them, `smoke › title` of
 * the smoke suite, or expressions. Whatever else fails, fails the run. `never` is set where a case
 * must not even begin.
 */
const entries = [
  {
    on: ['musl', 'arm64', 'riscv64', 'wine'],
    titles: ['package › the native core is stripped and small'],
    reason: 'these cores are built in less time, and larger',
  },

  // musl
  {
    on: ['musl-2', 'musl-bun', 'arm64-musl'],
    titles: [/^(hazards|smoke) › maps of one loop leave no kernel maps and no descriptors$/],
    reason:
      "musl's malloc puts a page of its own between neighbouring ranges, which then do not merge",
  },
  {
    on: ['musl-22', 'arm64-musl-22'],
    titles: [
      /^(hazards|smoke) › a zlib job in several chunks over a (map that closes|detached Buffer, no map anywhere,) is an uncaught ERR_OUT_OF_RANGE of Node.js 22 and later(, too)?$/,
    ],
    reason: 'Node.js 22.20, the newest that there is for musl, still aborts as Node.js 20',
  },

  {
    on: ['musl-2', 'wine'],
    titles: [
      /^Error: Could not load the "sharp" module/,
      /^build.__test__.libraries.images\.spec\.js exited with a non-zero exit code: 1$/,
    ],
    reason: 'npm has installed this library for glibc',
  },

  // qemu
  {
    on: ['arm64', 'riscv64'],
    titles: [
      /^(guard|smoke) › a search that meets lost bytes is an error, not an answer$/,
      /^(guard|smoke) › no answer is made of lost bytes, whichever call reads them first$/,
      /^(guard|smoke) › a map without a descriptor survives what it loses: lost bytes$/,
      /^(guard|smoke) › a file that cannot be populated is not created, nor its old one replaced$/,
    ],
    reason:
      'qemu says that MADV_POPULATE_READ and _WRITE worked, and does nothing: no page is touched',
  },

  {
    on: ['arm64-2', 'riscv64'],
    titles: ['smoke › closing a map waits for no disk'],
    reason:
      'a core for old releases of glibc has fstat in itself, where no library can make it wait',
    // It would wait for half a minute for the library to be called.
    never: true,
  },

  // Bun and Deno
  {
    on: ['bun', 'deno'],
    titles: [
      'flush › flush writes in chunks, tells how far it is, and lets the event loop turn in between',
    ],
    reason: 'a job that has ended goes before setImmediate, so that quick chunks follow each other',
  },
  {
    on: ['bun', 'deno'],
    titles: [
      /^open › Mmap(Mut|Cow)?\.open tells what the system refused: code, syscall, errno and path$/,
    ],
    reason: 'the messages are compared with those of fs, which there name no empty path',
  },
  {
    on: ['bun'],
    titles: ['package › nothing but the public names can be reached'],
    reason: 'Bun refuses what a package does not export with another code',
  },
  {
    on: ['bun'],
    titles: [
      /^readable › a stream \((default|bytes)\) is transferred to a worker, and the map stays$/,
    ],
    reason: 'Bun transfers no streams',
  },
  {
    on: ['bun'],
    titles: [
      'shared › V8 collects no garbage for shared maps, and does for others',
      /^sync › file-lock › closing another descriptor of the file keeps the lock, the death of its owner releases it$/,
    ],
    reason: 'a child has no collector of garbage that it could call: there is no V8',
  },
  {
    on: ['bun'],
    titles: [
      /^libraries › web › a Buffer of a shared map is no body and has no digest; arrayBuffer has$/,
    ],
    reason: 'Bun takes shared memory as a body',
  },
  {
    on: ['bun'],
    titles: [
      /^sync › mutex › timeouts of blocking calls, while another process owns the lock$/,
      /^sync › primitives › readers share a lock, writers do not, and a waiting writer goes before new readers$/,
    ],
    reason: 'Bun writes to a child only when its event loop turns, which the test blocks',
  },

  {
    on: ['deno'],
    titles: [
      'create › overwrite works for a name of the greatest length and for bytes that are no UTF-8',
      'descriptor › a path that is no UTF-8 travels as bytes (Linux)',
    ],
    reason: "Deno's fs makes strings of paths that are bytes",
  },
  {
    on: ['deno'],
    titles: ['refused-files › missing permissions are EACCES (Unix only: permission bits)'],
    reason: 'code of a command line gets its arguments at another place',
  },
  {
    on: ['deno'],
    titles: ['cli › Ctrl-C ends warm between two chunks (needs signals)'],
    reason: 'Deno ends by the signal itself where it has no code for it',
  },
  {
    on: ['deno'],
    titles: [
      /^shm › unlinkOnExit unlinks where SIG(INT|HUP|TERM) ends the process, and only there \(POSIX\)$/,
    ],
    reason:
      'Deno says of a child to which it sent a signal that it ended by it, whatever its code is',
  },
  {
    on: ['deno'],
    titles: ['atomic › ending the process or a worker with pending waits is clean'],
    reason: 'Deno runs no cleanup hook of a worker that is terminated, so that its threads wait on',
  },
  {
    on: ['deno'],
    titles: [/^loading › a Linux program whose loader is (musl|gnu)'s takes only the core for it$/],
    reason: 'the path of its program cannot be replaced',
  },
  {
    on: ['deno'],
    titles: ['package › import and require give the same classes'],
    reason: 'code of a command line is no ECMAScript module',
  },
  {
    on: ['deno'],
    titles: [
      /^workflows › (nothing is wrong in the workflows$|the check finds )/,
      /^release › (versions are compared by their numbers|a core is known to be for the system that it was built on)$/,
      /^release › the glibc that a program needs is the one objdump finds/,
    ],
    reason: 'code of a command line imports no ECMAScript module',
  },
  {
    on: ['deno'],
    titles: [
      /^channel › processes › a worker that is terminated in .* leaves (its lane|the channel to the next) \(not on macOS: it tells of no ended thread\)$/,
    ],
    reason: 'Deno keeps the thread of a worker that is terminated, so that it counts as alive',
  },
  {
    on: ['deno'],
    titles: [
      'sync › file-lock › a release that the system refuses closes the file all the same (Linux)',
    ],
    reason: "Deno's descriptors are not those of the system",
  },
  {
    on: ['deno'],
    titles: ['grep › the example finds lines as grep does'],
    reason: 'Deno prints no code of an error that nothing catches',
  },
  {
    on: ['deno'],
    titles: ['buffer › copy takes what Buffer.copy takes, and copies the same bytes'],
    reason: "Deno's Buffer.copy answers -1 where there is nothing to copy",
  },

  // Wine
  {
    on: ['wine'],
    titles: ['create › a file longer than any can be is refused, and leaves nothing behind'],
    reason: 'Wine has no call that reserves space, so that 8 PiB of zeros would be written',
    never: true,
  },
  {
    on: ['wine'],
    titles: ['large › 1 TiB is one Buffer (not on Node.js 20: its Buffers end at 4 GiB)'],
    reason: 'Wine may write the bytes of a sparse file',
    never: true,
  },
  {
    on: ['wine'],
    titles: ['examples › the demo sees what it should see'],
    reason: 'Wine maps no file of 1 TiB (ENOMEM)',
  },
  {
    on: ['wine'],
    titles: ['descriptor › a deleted file is not found, and a shortened one is too short'],
    reason: 'the time at which a file was made is that of its last change',
  },
  {
    on: ['wine'],
    titles: ['package › npm pack ships what a user needs, and nothing else'],
    reason: 'npm is not installed there',
  },
  {
    on: ['wine'],
    titles: [/^loading › a bundle \((cjs|esm)\) that copies \.node files has the core$/],
    reason: 'npm has installed esbuild for Linux',
  },
  {
    on: ['wine'],
    titles: [
      'libraries › web › fetch sends Buffers, ArrayBuffers and streams of a map',
      'libraries › web › a Buffer of a shared map is no body and has no digest; arrayBuffer has',
      'libraries › web › the example range-server.mjs serves a file and its ranges',
    ],
    reason:
      'Wine refuses the connections of fetch, and not those of node:http; on Node.js 24 that error has no place, which breaks the report of the run',
    never: true,
  },
];

/** Whether an entry speaks of a case. */
export function speaksOf(entry, title) {
  return entry.titles.some((one) => (typeof one === 'string' ? one === title : one.test(title)));
}

/** The entries for a runtime. */
export function knownOf(runtime) {
  return entries.filter(({ on }) => on.some((beginning) => runtime.startsWith(beginning)));
}
