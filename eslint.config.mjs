import js from '@eslint/js'
import globals from 'globals'

/** What is wrong in any style; how lines are laid out is Prettier's. */
const rules = {
  ...js.configs.recommended.rules,
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-empty': ['error', { allowEmptyCatch: true }],
  'no-self-compare': 'error',
  'no-unused-private-class-members': 'off',
  'no-template-curly-in-string': 'error',
  'no-throw-literal': 'error',
  'no-unused-vars': [
    'error',
    { args: 'after-used', argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all', ignoreRestSiblings: true }
  ],
  'no-var': 'error',
  'object-shorthand': ['error', 'always'],
  // What the cause says is in the message where it is of use to whoever reads it.
  'preserve-caught-error': 'off',
  'prefer-const': 'error',
  'prefer-promise-reject-errors': 'error'
}

export default [
  { ignores: ['**/node_modules/', '**/target/', 'dist/', 'vendor/', 'fuzz/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.js'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'commonjs', globals: globals.node },
    rules
  },
  {
    files: ['**/*.mjs', 'examples/**/*.js'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: globals.node },
    rules
  },
  {
    files: ['examples/room-server/page/**/*.js', 'lib/client/**/*.js', '__test__/client/page/**/*.js'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: globals.browser },
    rules
  },
  {
    // Functions in them run in pages; and what crosses from the engine is no Error.
    files: ['__test__/**/*.js'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
    rules: { 'no-control-regex': 'off', 'no-throw-literal': 'off' }
  }
]
