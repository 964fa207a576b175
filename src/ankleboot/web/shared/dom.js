// Short forms for DOM elements. Text from servers, files and users is never parsed as HTML.

export const byId = (id) => document.getElementById(id);

/** Create an element; `attributes` are its attributes, children are elements or strings. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Decode a base64 PNG. */
export async function decodeBase64Image(text) {
  const image = new Image();
  image.src = `data:image/png;base64,${text}`;
  await image.decode();
  return image;
}

/** Return a canvas's pixels as ImageData. */
export function readPixels(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}
