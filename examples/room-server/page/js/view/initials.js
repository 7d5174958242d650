/** What is seen as one letter may be several characters: a flag, a face with a profession, a letter and its marks. */
const segmenter = 'Segmenter' in Intl ? new Intl.Segmenter() : null

/** One or two letters for a name. @param {string} name */
export function initials(name) {
  const words = name.split(/\s+/).filter(Boolean)
  const letters =
    words.length > 1 ? [words[0], words[words.length - 1]].map(word => lettersOf(word)[0]) : lettersOf(words[0] ?? '?').slice(0, 2)
  return letters.join('').toUpperCase()
}

/** @param {string} word */
function lettersOf(word) {
  return segmenter ? Array.from(segmenter.segment(word), ({ segment }) => segment) : [...word]
}
