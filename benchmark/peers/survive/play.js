/** Plays a scenario on a mapped Buffer after a line of input. */
exports.play = (scenario, buffer, next) => {
  console.log('mapped');
  process.stdin.once('data', () => {
    let outcome = 'writes';
    if (scenario === 'truncated') outcome = `reads ${buffer[buffer.length - 1]}`;
    else if (scenario === 'disk full') buffer.fill(2);
    else buffer[0] = 2;
    try {
      next();
      outcome += ', says nothing';
    } catch (error) {
      outcome += `, then ${error.code ?? error.message}`;
    }
    console.log(outcome);
    process.exit();
  });
};
