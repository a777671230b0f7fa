/** `docs/costs.md`: what single calls cost, of the record of the group `calls`. */
import { describe } from './machine.js';

const INTRODUCTION = `# What every call costs

Each call beside what it replaces. The first line of each group is memmap's; "3 ×" means that the other takes
three times as long. What runs is what you see, in a loop over random positions (\`at\`) of a file that is in memory,
so that no disk is waited for: \`buffer\` is \`map.buffer\`, \`copy\` is what \`fs.readFileSync\` returned.`;

const RULES = `## What to take from it

- **Reading and writing through \`buffer\` or a view is JavaScript**: as fast as any Buffer, and hundreds of
  times as fast as a system call. Take \`map.buffer\` once, outside the loop: the getter looks at the state of the map.
- **A method that calls native code costs some hundred nanoseconds**: it checks its arguments, and looks for faults
  before and after. For a few bytes use the Buffer; for kilobytes the method is no slower. One that asks the system
  (\`tryRead\`, \`fileSize\`, \`refresh\`) costs a microsecond or two, as the same system call does by \`fs\`.
- **A Buffer or view of a part costs an object**, some tens of nanoseconds. An ArrayBuffer of its own costs a
  microsecond or two, and V8 counts its length as memory.
- **A promise costs** tens of microseconds: a job on another thread, and a turn of the event loop. It pays where the
  work takes longer than that, or may wait for the disk.
- **A page that is not in memory** costs what the disk needs: about 0.1 ms on an SSD, 10 ms on a hard disk.
  [What is in memory](memory.md) says how to avoid that. The first touch of a page that *is* in memory costs a page
  fault, half a microsecond to a microsecond; the kernel maps the 16 pages around it at once.

[Benchmarks](benchmarks.md) compares whole tasks: searching, opening, locks, channels.`;

/** The page of a record; `show` prints a measured value, `times` how many times as long a contestant takes. */
export function costs({ machine, comparisons }, show, times) {
  const code = (text) =>
    `<code>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('|', '&#124;')}</code>`;
  const rows = comparisons.flatMap((comparison) => {
    const { what, unit, contestants } = comparison;
    return contestants.map((contestant, index) => {
      const { name, command, time } = contestant;
      const cells = index === 0 ? [`**${what}**`, 'memmap'] : ['', name];
      const beside = times(comparison, contestant);
      return `| ${[...cells, code(command), show(time, unit), beside].join(' | ')} |`;
    });
  });
  return `${[
    INTRODUCTION,
    `Measured by \`npm run bench -- calls\` on ${describe(machine)}. The times are this machine's; the ratios tell more.`,
    ['| | | what runs | time | |', '|---|---|---|---:|---:|', ...rows].join('\n'),
    RULES,
  ].join('\n\n')}\n`;
}
