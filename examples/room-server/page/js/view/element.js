/**
 * The element of the page with this id.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id)
  if (!element) throw new Error(`The page has no element #${id}`)
  return /** @type {T} */ (element)
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {{ class?: string, text?: string } & Record<string, string>} [attributes]
 * @param {Node[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function create(tag, { class: className = '', text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** A name among other words: where it is written from right to left, they stay in their order. @param {string} name */
export function nameOf(name) {
  return create('bdi', { text: name })
}

const SVG = 'http://www.w3.org/2000/svg'

/** @param {string} symbol name of an icon in index.html */
export function icon(symbol) {
  const svg = document.createElementNS(SVG, 'svg')
  const use = document.createElementNS(SVG, 'use')
  use.setAttribute('href', `#icon-${symbol}`)
  svg.append(use)
  return svg
}

/** @param {Element} button @param {string} symbol */
export function setIcon(button, symbol) {
  button.querySelector('use')?.setAttribute('href', `#icon-${symbol}`)
}

/** A colour for a name, the same everywhere. @param {string} name */
export function hueOf(name) {
  let hash = 0
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360
  return String(hash)
}
