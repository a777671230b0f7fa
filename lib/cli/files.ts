/** Commands that take several files. */
import { type Output, OutputError, UsageError } from './output';

/**
 * Does something for each file. Where one fails it says so and goes on.
 *
 * @returns Whether all went well.
 */
export async function forEach(
  files: string[],
  output: Output,
  work: (file: string) => Promise<void>,
): Promise<boolean> {
  if (files.length === 0) throw new UsageError('name a file');
  let well = true;
  for (const file of files) {
    try {
      await work(file);
    } catch (error) {
      if (error instanceof OutputError || (error as Error).name === 'AbortError') throw error;
      await output.flush();
      well = false;
      output.error((error as Error).message);
    }
    await output.flush();
  }
  return well;
}
