'use strict'

/** Of a generic function there are many of one name, most of which no turn uses. */
const MOST_OF_A_NAME = 6
/** A function of assembler has no section of its own. */
const LARGEST = 100_000

/**
 * The linker script that puts functions next to each other in the order of `used`.
 *
 * @param {Iterable<string>} used names of functions
 * @param {{ name: string, size: number }[]} functions all that there are
 */
function layout(used, functions) {
  const all = new Map()
  for (const { name, size } of functions) {
    const pattern = patternOf(name)
    all.set(pattern, [...(all.get(pattern) ?? []), size])
  }
  const wanted = [...new Set([...used].map(patternOf))].filter(pattern => {
    const sizes = all.get(pattern) ?? []
    return sizes.length > 0 && sizes.length <= MOST_OF_A_NAME && Math.max(...sizes) < LARGEST
  })
  return `/* Functions that a media thread runs through when it wakes, in the order of their first use.
   Written by \`node bench/turns.js --layout\`; see build.rs. */
SECTIONS
{
  .text.hot :
  {
${wanted.map(pattern => `    *(.text.${pattern})\n`).join('')}  }
}
INSERT BEFORE .text;
`
}

/** Without what another compiler or another version of a crate changes in a name. */
function patternOf(name) {
  return name
    .replace(/17h[0-9a-f]{16}E.*$/, '17h*')
    .replace(/Cs[0-9A-Za-z]+_/g, 'Cs*_')
    .replace(/^aws_lc_\d+_\d+_\d+_/, 'aws_lc_*_')
}

module.exports = { layout, patternOf }
