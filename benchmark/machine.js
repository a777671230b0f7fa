/** The machine that benchmarks run on: its kind, and nothing that names it. */
const { availableParallelism, cpus, loadavg, totalmem } = require('node:os');

const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };

/** @param versions - Of the peers that ran, by their names. */
function machine(versions) {
  const cores = availableParallelism();
  const load = Math.round(loadavg()[0]);
  return {
    cores,
    // Empty where the system does not tell, as on some arm64 machines.
    processor: cpus()[0]?.model.trim().replace(/\s+/g, ' ') || undefined,
    memory: totalmem(),
    platform: `${SYSTEMS[process.platform] ?? process.platform} ${process.arch}`,
    node: process.version,
    versions: Object.keys(versions).length > 0 ? versions : undefined,
    // Other work, where there is so much that the times are longer than they need be; the benchmarks' own
    // processes are a load, too.
    load: load > 2 * cores ? load : undefined,
  };
}

/** A machine in words: `2 cores (model), 16 GiB of memory, Linux x64, Node.js v24.0.0, ripgrep 13.0.0`. */
function describe({ cores, processor, memory, platform, node, versions = {} }) {
  return [
    `${cores} cores${processor === undefined ? '' : ` (${processor})`}`,
    ...(memory === undefined ? [] : [`${Math.round(memory / 2 ** 30)} GiB of memory`]),
    platform,
    `Node.js ${node}`,
    ...Object.entries(versions).map(([name, version]) => `${name} ${version}`),
  ].join(', ');
}

module.exports = { describe, machine };
