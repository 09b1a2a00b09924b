// Parts of a page, made of the templates that stand in it.

/**
 * An element of the page.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function part(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * What a template has, anew.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function clone(id) {
  const { content } = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const copy = /** @type {DocumentFragment} */ (content.cloneNode(true));
  return /** @type {HTMLElement} */ (copy.firstElementChild);
}

/**
 * The place of that name within a part.
 * @param {HTMLElement} within
 * @param {string} name
 * @returns {HTMLElement}
 */
export function place(within, name) {
  return /** @type {HTMLElement} */ (within.querySelector(`[data-of=${name}]`));
}

/**
 * Writes texts into the places of their names.
 * @param {HTMLElement} within
 * @param {Record<string, string>} texts
 */
export function into(within, texts) {
  for (const [name, text] of Object.entries(texts)) place(within, name).textContent = text;
}

/**
 * @param {string} colour
 * @param {string} text
 */
export function mark(colour, text) {
  const mark = document.createElement('span');
  mark.className = `mark ${colour}`;
  mark.textContent = text;
  return mark;
}
