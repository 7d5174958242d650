'use strict'

/**
 * A bill of materials of a platform's package, as CycloneDX 1.6: the crates that are linked into the
 * native module, and the library that no crate brings.
 *
 * @param {string} platform such as `linux-x64-gnu`
 * @param {string} version of the package
 * @param {{ name: string, version: string, license: string }[]} crates
 */
function billOfMaterials(platform, version, crates) {
  const name = `@medialoom/${platform}`
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { type: 'library', 'bom-ref': name, name, version, purl: `pkg:npm/${encodeURIComponent('@medialoom')}/${platform}@${version}`, licenses: [{ expression: 'MIT OR Apache-2.0' }] }
    },
    components: [
      ...crates.map(crate => ({
        type: 'library',
        'bom-ref': `${crate.name}@${crate.version}`,
        name: crate.name,
        version: crate.version,
        purl: `pkg:cargo/${crate.name}@${crate.version}`,
        // The slash is how crates wrote `OR` before.
        licenses: [{ expression: crate.license.replaceAll('/', ' OR ') }]
      })),
      // Of the machine that built the module.
      { type: 'library', 'bom-ref': 'libvpx', name: 'libvpx', purl: 'pkg:generic/libvpx', licenses: [{ expression: 'BSD-3-Clause' }] }
    ]
  }
}

module.exports = { billOfMaterials }
