// Elements. Text is set as text, always: nothing that comes from outside can become markup.

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

/** h("td", {class: "n"}, "text", child): `on...` are listeners, everything else attributes. */
function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}
function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Changes only what differs, so that what the user points at or has selected stays. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function setAttribute(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}
function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}
function icon(name, className) {
  return s("svg", { "aria-hidden": "true", class: className || null }, s("use", { href: `#s-${name}` }));
}
/** A state by shape, word and colour. */
function badge(state) {
  return h("span", { class: `badge ${state}`, title: STATES[state] || "" }, icon(state), state);
}

/** Makes `parent` hold one element for each key, in order; made by make(key), brought up to date by update(element, item). */
function keyed(parent, items, keyOf, make, update) {
  parent.parts = parent.parts || new Map();
  const seen = new Set();
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    seen.add(key);
    let element = parent.parts.get(key);
    if (!element) {
      element = make(item);
      parent.parts.set(key, element);
    }
    if (element !== at) parent.insertBefore(element, at);
    else at = at.nextElementSibling;
    update(element, item);
  }
  for (const [key, element] of parent.parts) {
    if (seen.has(key)) continue;
    element.remove();
    parent.parts.delete(key);
  }
}
