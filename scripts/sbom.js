'use strict'

/**
 * A bill of materials of a platform's package, as CycloneDX 1.6: the crates that are linked into the
 * native module, and the libraries in C that crates bring along or the machine that built it had.
 *
 * @param {string} platform such as `linux-x64-gnu`
 * @param {string} version of the package
 * @param {{ name: string, version: string, license: string }[]} crates
 * @param {{ name: string, version: string, license: string }[]} libraries
 */
function billOfMaterials(platform, version, crates, libraries) {
  const name = `@medialoom/${platform}`
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'library',
        'bom-ref': name,
        name,
        version,
        purl: `pkg:npm/${encodeURIComponent('@medialoom')}/${platform}@${version}`,
        licenses: [{ expression: 'MIT OR Apache-2.0' }]
      }
    },
    components: [
      ...crates.map(crate => ({
        type: 'library',
        'bom-ref': `${crate.name}@${crate.version}`,
        name: crate.name,
        version: crate.version,
        purl: `pkg:cargo/${crate.name}@${crate.version}`,
        licenses: licensed(crate.license)
      })),
      ...libraries.map(library => ({
        type: 'library',
        'bom-ref': library.name,
        name: library.name,
        version: library.version,
        purl: `pkg:generic/${library.name}@${library.version}`,
        licenses: licensed(library.license)
      }))
    ]
  }
}

/** The slash is how crates wrote `OR` before. */
function licensed(expression) {
  return [{ expression: expression.replaceAll('/', ' OR ') }]
}

module.exports = { billOfMaterials }
