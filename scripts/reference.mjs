/**
 * `npm run docs`: makes the pages in docs/api/ of the published typings, by typedoc. Fails where a public
 * name has no comment, a link in a comment leads nowhere, or a type can be reached but not named.
 */
import { register } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

// typedoc needs the programming interface of the compiler, which TypeScript 7 no longer has.
const hook = `export const resolve = (name, context, next) =>
  next(name === 'typescript' ? '@typescript/typescript6' : name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { Application, Comment, Converter, ReflectionKind } = await import('typedoc');

/** The entry points: their files, the names that users import, and what is in them. */
const MODULES = {
  index: ['memmap', 'Maps of files and of memory, searching, lines, cursors, streams.'],
  sync: ['memmap/sync', 'Locks and their like between threads and processes.'],
  shm: ['memmap/shm', 'Shared memory by name.'],
  channel: ['memmap/channel', 'Messages between threads and processes.'],
};

const entryPoints = Object.keys(MODULES).map((name) => join(root, `${name}.d.ts`));
const table = 'table';
const app = await Application.bootstrapWithPlugins({
  name: 'The reference',
  entryPoints,
  out: join(root, 'docs', 'api'),
  plugin: ['typedoc-plugin-markdown'],
  readme: 'none',
  disableSources: true,
  // It only says which array `view` of a shared map returns.
  intentionallyNotExported: ['SharedArrays'],
  validation: { notDocumented: true, notExported: true, invalidLink: true },
  hideGenerator: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  useHTMLAnchors: true,
  indexFormat: table,
  parametersFormat: table,
  interfacePropertiesFormat: table,
  propertyMembersFormat: table,
  typeAliasPropertiesFormat: table,
  typeDeclarationFormat: table,
});
app.options.setCompilerOptions(
  entryPoints,
  {
    target: 9,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    strict: true,
  },
  undefined,
);

app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
  // Each member once, in the class that declares it.
  for (const reflection of Object.values(project.reflections)) {
    if (reflection.inheritedFrom) project.removeReflection(reflection);
  }
  for (const signature of project.getReflectionsByKind(ReflectionKind.SomeSignature)) {
    // No caller passes the class that a static method is called on.
    for (const parameter of signature.parameters ?? []) {
      if (parameter.name === 'this') project.removeReflection(parameter);
    }
    // Comments may leave out all, as that of another method says them, but not some.
    const without = (signature.parameters ?? []).filter(({ comment }) => !comment);
    if (without.length === 0 || without.length === signature.parameters.length) continue;
    const names = without.map(({ name }) => name).join(', ');
    app.logger.error(`${signature.getFullName()} has no @param for ${names}`);
  }
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const [name, text] = MODULES[module.name];
    module.name = name;
    module.comment = new Comment([{ kind: 'text', text }]);
  }
});

const project = await app.convert();
if (project !== undefined) {
  app.validate(project);
  await app.generateOutputs(project);
}
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
