'use strict'

/** How many passed and failed, by section. */
class Results {
  #sections = new Map()

  async add(section, name, run) {
    const before = Date.now()
    let result
    try {
      result = await run()
    } catch (error) {
      console.error(error.message)
      result = { passed: 0, failed: 1, shown: '' }
    }
    const seconds = (Date.now() - before) / 1000
    const sum = this.#of(section)
    sum.passed += result.passed
    sum.failed += result.failed
    sum.seconds += seconds
    if (result.failed > 0) sum.failures.push(name)
    return { ...result, seconds }
  }

  fail(section, why) {
    const sum = this.#of(section)
    sum.failed += 1
    sum.failures.push(why)
  }

  failed(section) {
    return (this.#sections.get(section)?.failed ?? 0) > 0
  }

  #of(section) {
    const sum = this.#sections.get(section) ?? { passed: 0, failed: 0, seconds: 0, failures: [] }
    this.#sections.set(section, sum)
    return sum
  }

  /** The seconds of a section are those of its pieces, of which several run at once. */
  print(seconds) {
    console.log(`\n=== summary (${Math.round(seconds)} s)`)
    const total = { passed: 0, failed: 0 }
    for (const [name, sum] of this.#sections) {
      console.log(`${name.padEnd(16)} ${sum.passed} passed, ${sum.failed} failed, ${sum.seconds.toFixed(1)} s`)
      for (const failure of sum.failures) console.log(`${''.padEnd(16)} failed: ${failure}`)
      total.passed += sum.passed
      total.failed += sum.failed
    }
    process.exitCode = total.failed > 0 ? 1 : 0
    console.log(`${total.passed} passed, ${total.failed} failed`)
  }
}

module.exports = { Results }
