/** Every public class, and each method with more than two parameters, has an example in its comment. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type ClassDeclaration,
  type ClassElement,
  createSourceFile,
  isClassDeclaration,
  isConstructorDeclaration,
  isMethodDeclaration,
  type Node,
  type ParameterDeclaration,
  ScriptTarget,
} from '@typescript/typescript6';
import test from 'ava';

const root = dirname(require.resolve('memmap/package.json'));

/** Whether a comment in front of a declaration has a fence of code. */
function hasExample(node: Node, text: string): boolean {
  return /```(?:js|ts)\n/.test(text.slice(node.getFullStart(), node.getStart(undefined, false)));
}

/** The parameters that a caller gives: `this` is none. */
function given(parameters: readonly ParameterDeclaration[]): number {
  return parameters.filter((parameter) => parameter.name.getText() !== 'this').length;
}

/** The name of a method, or `constructor`, with the number of its parameters. */
function callable(member: ClassElement): [name: string, parameters: number] | undefined {
  if (isMethodDeclaration(member)) return [member.name.getText(), given(member.parameters)];
  if (isConstructorDeclaration(member)) return ['constructor', given(member.parameters)];
  return undefined;
}

/** What lacks an example in a class. One overload with an example is enough. */
function lacking(declaration: ClassDeclaration, text: string): string[] {
  const className = declaration.name?.getText() ?? '';
  const methods = new Map<string, { parameters: number; example: boolean }>();
  for (const member of declaration.members) {
    const [name, parameters] = callable(member) ?? [];
    if (name === undefined || parameters === undefined) continue;
    const before = methods.get(name) ?? { parameters: 0, example: false };
    methods.set(name, {
      parameters: Math.max(before.parameters, parameters),
      example: before.example || hasExample(member, text),
    });
  }
  return [
    ...(hasExample(declaration, text) ? [] : [className]),
    ...[...methods]
      .filter(([, { parameters, example }]) => parameters > 2 && !example)
      .map(([name]) => `${className}.${name}`),
  ];
}

/** What lacks an example in a file of typings, and how many classes it has. */
function examine(text: string): { classes: number; without: string[] } {
  const file = createSourceFile('typings.d.ts', text, ScriptTarget.ES2022, true);
  const exported = (text.match(/^export (?:type )?\{[^}]*\}/gm) ?? []).join();
  const classes = file.statements
    .filter(isClassDeclaration)
    .filter(({ name }) => new RegExp(`\\b${name?.getText()}\\b`).test(exported));
  return {
    classes: classes.length,
    without: classes.flatMap((declaration) => lacking(declaration, text)),
  };
}

for (const file of ['index.d.ts', 'sync.d.ts', 'shm.d.ts', 'channel.d.ts']) {
  test(`${file} has an example for each class, and for each method of more than two parameters`, (t) => {
    const { classes, without } = examine(readFileSync(join(root, file), 'utf8'));
    t.true(classes > 0);
    t.deepEqual(without, []);
  });
}

test('a class or a method without an example is found', (t) => {
  const example = '/**\n * Text.\n *\n * ```js\n * use();\n * ```\n */\n';
  const text = `
    declare class Bare { constructor(a: 1, b: 2, c: 3); short(this: Bare, a: 1, b: 2): void; }
    ${example} declare class Shown {
      /** Text. */ long(a: 1, b?: 2, c?: 3): void;
      ${example} over(a: 1): void;
      over(a: 1, b: 2, c: 3): void;
    }
    declare class Inner {}\nexport { Bare };\nexport type { Shown };`;
  t.deepEqual(examine(text.replace('\n', '').replaceAll(/^ +/gm, '')).without, [
    'Bare',
    'Bare.constructor',
    'Shown.long',
  ]);
});
